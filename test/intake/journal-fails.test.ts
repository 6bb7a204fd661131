// An outage is logged when it begins, once for each further cause, and when it ends, with how long
// it lasted and how often it was met.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outage } from '../../src/log/outage.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { makeHeld } from '../buffer/held-fixture.ts';

const isError = (cause: string): boolean => cause === 'denied';

function setUp() {
  const clock = new VirtualClock();
  const said: unknown[] = [];
  const say =
    (level: string) =>
    (event: string, details = {}): unknown =>
      said.push({ level, event, ...details });
  return { clock, said, log: { info: say('info'), warn: say('warn'), error: say('error') } };
}

test('an outage is one line when it begins, one for each further cause, and one when it ends', async () => {
  const { clock, said, log } = setUp();
  const outage = new Outage({ clock, log, begins: 'away', ends: 'back', isError });
  outage.works();
  assert.deepEqual(said, []);
  for (let n = 0; n < 100; n++) {
    outage.failed(n % 2 === 0 ? 'refused' : 'denied', { n });
    await clock.advance(10);
  }
  outage.works({ rows: 7 });
  outage.works({ rows: 7 });
  assert.deepEqual(said, [
    { level: 'warn', event: 'away', n: 0 },
    { level: 'error', event: 'away', n: 1 },
    { level: 'info', event: 'back', lastedMs: 1_000, failures: 100, rows: 7 },
  ]);
  outage.failed('refused', { n: 200 });
  assert.deepEqual(said.at(-1), { level: 'warn', event: 'away', n: 200 });
});

test('causes that differ each time are logged up to a bound', () => {
  const { clock, said, log } = setUp();
  const outage = new Outage({ clock, log, begins: 'away', ends: 'back' });
  for (let n = 0; n < 1_000; n++) outage.failed(`cause ${n}`, { n });
  assert.equal(said.length, 20);
});

test('a journal that fails is one line, and when it works again another with how many were refused', () => {
  const { clock, said, log } = setUp();
  const { held, file } = makeHeld({ clock, log, slots: 4 });
  const hold = (n: number): unknown => {
    const told = held.hold(Uint32Array.of(0, 0, 0, n), 1);
    return typeof told === 'number' ? 'held' : told;
  };
  assert.equal(hold(1), 'held');
  file.tearAfter = 20;
  for (let n = 2; n < 42; n++) assert.equal(hold(n), 'broken');
  file.tearAfter = undefined;
  assert.equal(hold(42), 'held');
  const [begins, ends, ...more] = said as Record<string, unknown>[];
  assert.deepEqual([begins?.['level'], begins?.['event']], ['error', 'journal fails']);
  assert.match(String(begins?.['message']), /EIO/);
  assert.deepEqual([ends?.['event'], ends?.['failures']], ['journal works again', 40]);
  assert.deepEqual(more, []);
});
