// What a start found in the journal and does not know yet: a flush waits for it, but not for ever.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recovering, RECOVERING_MAX_MS } from '../../src/buffer/recovering.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

function setUp(): { clock: VirtualClock; recovering: Recovering; said: unknown[] } {
  const clock = new VirtualClock();
  const said: unknown[] = [];
  const say = (event: string, details = {}): unknown => said.push([event, details]);
  return { clock, recovering: new Recovering(clock, { info: say, warn: say, error: say }), said };
}

test('recovering is over once each payment is known, and nobody waits for it longer than it asked to', async () => {
  const { clock, recovering } = setUp();
  assert.equal(await recovering.isOver(0), true);
  recovering.add(3);
  recovering.add(4);
  const answers: boolean[] = [];
  const ask = (withinMs: number): void =>
    void recovering.isOver(withinMs).then((isOver) => answers.push(isOver));
  ask(100);
  await clock.advance(200);
  assert.deepEqual(answers, [false]);
  ask(10_000);
  recovering.end(3);
  await clock.advance(1_000);
  assert.deepEqual(answers, [false]);
  recovering.end(4);
  await clock.advance(10);
  assert.deepEqual(answers, [false, true]);
  assert.equal(clock.timers, 0);
});

test('after minutes without an answer summaries are made without those payments, and the log says so once', async () => {
  const { clock, recovering, said } = setUp();
  recovering.add(1);
  recovering.add(2);
  await clock.advance(RECOVERING_MAX_MS - 1);
  assert.equal(await recovering.isOver(0), false);
  assert.deepEqual(said, []);
  await clock.advance(1);
  assert.equal(await recovering.isOver(0), true);
  assert.equal(await recovering.isOver(0), true);
  const details = { payments: 2, waitedMs: RECOVERING_MAX_MS };
  assert.deepEqual(said, [['summaries leave out what a restart found', details]]);
});
