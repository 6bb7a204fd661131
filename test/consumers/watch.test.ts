// What stands still is in the log when it begins, once a minute while it lasts, and when it ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/engine.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const SLOTS = 50;

interface Line {
  readonly event: string;
  readonly details: Readonly<Record<string, unknown>>;
}

interface Started {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  /** The lines of one event so far. */
  readonly lines: (event: string) => readonly Line['details'][];
  /** What both processors answer from now on. */
  answer: Outcome;
}

async function start(): Promise<Started> {
  const clock = new VirtualClock();
  const log: Line[] = [];
  const started: Started = {
    clock,
    engine: loneEngine({
      sync: 'never',
      clock,
      slots: SLOTS,
      settings: { CONSUMERS: '20' },
      file: new MemoryJournalFile(fileBytes(SLOTS)),
      log: (event, details = {}) => log.push({ event, details }),
      charge: () => started.answer,
      lookup: () => 'absent',
    }),
    lines: (event) => log.filter((line) => line.event === event).map(({ details }) => details),
    answer: 'charged',
  };
  started.engine.recover(true);
  started.engine.start();
  await clock.advance(50);
  return started;
}

function pay(engine: Engine, first: number, count: number): void {
  for (let n = first; n < first + count; n++) {
    assert.equal(engine.admit(Uint32Array.of(0, 0, 5, n), 1_990, false), 'accepted');
  }
}

test('both processors fail: each is said once, and that payments wait, and that they go on', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.answer = 'declined';
  pay(engine, 0, 20);
  await clock.advance(55_000);
  assert.deepEqual(
    lines('processor fails').map(({ processor }) => processor),
    ['default', 'fallback'],
  );
  const [still] = lines('payments stand still').filter(({ stage }) => stage === 'queued');
  assert.ok(still);
  assert.ok((still['payments'] as number) > 0 && (still['oldestMs'] as number) >= 10_000);
  started.answer = 'charged';
  await clock.advance(60_000);
  assert.equal(engine.status()['held'], 0);
  // To the other one nothing is sent any more that could find out.
  assert.equal(lines('processor works again').length, 1);
  const said = lines('payments stand still').map(({ stage }) => stage);
  const ended = lines('payments move again').map(({ stage }) => stage);
  assert.deepEqual(new Set(ended), new Set(said));
});

test('outcomes that stay unknown are said again each minute, with how many and how old', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.answer = 'unknown';
  pay(engine, 0, 3);
  await clock.advance(200_000);
  const said = lines('payments stand still').filter(({ stage }) => stage === 'at a processor');
  assert.ok(said.length >= 3 && said.length <= 4, String(said.length));
  assert.equal(said.at(-1)?.['payments'], 3);
  assert.equal(lines('outcome unknown').length, 3, 'each of them with its id');
});

test('a pause that lasts is said, and its end', async () => {
  const { clock, engine, lines } = await start();
  engine.holdStill();
  await clock.advance(15_000);
  assert.equal(lines('sending is paused').length, 1);
  engine.sendAgain();
  await clock.advance(2_000);
  assert.equal(lines('sending goes on').length, 1);
});

test('good times have no line', async () => {
  const { clock, engine, lines } = await start();
  for (let second = 0; second < 30; second++) {
    pay(engine, second * 10, 10);
    await clock.advance(1_000);
  }
  const events = ['processor fails', 'payments stand still', 'sending is paused'];
  assert.deepEqual(events.flatMap(lines), []);
});
