// What stands still is logged when it begins, once a minute while it lasts, and when it ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/engine.ts';
import { sleep } from '../../src/clock.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { statusOf } from '../../src/api/status.ts';

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
  delayMs: number;
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
      charge: async () => {
        if (started.delayMs > 0) await sleep(clock, started.delayMs);
        return started.answer;
      },
      lookup: () => 'absent',
    }),
    lines: (event) => log.filter((line) => line.event === event).map(({ details }) => details),
    answer: 'charged',
    delayMs: 0,
  };
  started.engine.recover(true);
  started.engine.start();
  await clock.advance(50);
  return started;
}

function pay(engine: Engine, first: number, count: number): void {
  for (let n = first; n < first + count; n++) {
    assert.equal(engine.admission.admit(Uint32Array.of(0, 0, 5, n), 1_990, false), 'accepted');
  }
}

test('when both processors fail, the log says so once for each, and when payments wait, and when they go on', async () => {
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
  assert.equal(statusOf(engine)['held'], 0);
  // To the other one nothing is sent any more that could find out.
  assert.equal(lines('processor works again').length, 1);
  const said = lines('payments stand still').map(({ stage }) => stage);
  const ended = lines('payments move again').map(({ stage }) => stage);
  assert.deepEqual(new Set(ended), new Set(said));
});

test('outcomes that stay unknown are logged again each minute, with how many and how old', async () => {
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

test('a pause that lasts is logged, and so is its end', async () => {
  const { clock, engine, lines } = await start();
  engine.holdStill();
  await clock.advance(15_000);
  assert.equal(lines('sending is paused').length, 1);
  engine.sendAgain();
  await clock.advance(2_000);
  assert.equal(lines('sending goes on').length, 1);
});

test('a processor that takes over a second is slow, before it answers and until it is faster', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.delayMs = 3_000;
  pay(engine, 0, 5);
  await clock.advance(2_500);
  assert.equal(engine.watch.slowProcessors[0].isSlow, true);
  assert.equal(engine.watch.slowProcessors[1].isSlow, false);
  assert.deepEqual(
    lines('processor is slow').map(({ processor }) => processor),
    ['default'],
  );
  await clock.advance(5_000);
  started.delayMs = 10;
  pay(engine, 10, 5);
  await clock.advance(2_000);
  assert.equal(lines('processor is slow').length, 1);
  assert.equal(lines('processor is slow no more').length, 1);
});

test('a processor that refuses all payments is told from one payment that is refused alone', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.answer = 'refused';
  pay(engine, 0, 1);
  await clock.advance(30_000);
  assert.equal(lines('payment set aside').length, 1);
  assert.equal(lines('processor refuses payments').length, 0);
  for (let second = 1; second < 5; second++) {
    pay(engine, second * 10, 5);
    await clock.advance(1_000);
  }
  assert.equal(engine.watch.refusingProcessors[0].isRefusing, true);
  assert.equal(lines('processor refuses payments')[0]?.['outcome'], 'refused');
  started.answer = 'charged';
  await clock.advance(5_000);
  assert.equal(engine.watch.refusingProcessors[0].isRefusing, false);
});

test('429 now and then, among charges, is no refusal; nothing but 429 is one', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  const refuses = (): readonly unknown[] =>
    lines('processor refuses payments').filter(({ processor }) => processor === 'default');
  for (let second = 0; second < 10; second++) {
    started.answer = 'busy';
    pay(engine, second * 10, 2);
    await clock.advance(300);
    started.answer = 'charged';
    pay(engine, second * 10 + 5, 2);
    await clock.advance(700);
  }
  assert.deepEqual(refuses(), []);
  started.answer = 'busy';
  for (let second = 20; second < 24; second++) {
    pay(engine, second * 10, 2);
    await clock.advance(1_000);
  }
  assert.ok(refuses().length >= 1);
});

test('the last payment before a silence does not leave its processor slow for ever', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.delayMs = 2_000;
  pay(engine, 0, 1);
  await clock.advance(4_000);
  assert.equal(engine.watch.slowProcessors[0].isSlow, true);
  await clock.advance(20_000);
  assert.equal(engine.watch.slowProcessors[0].isSlow, false);
  assert.equal(lines('processor is slow no more').length, 1);
});

test('a ring is nearly full from 80 % on, and has room again below 70 %', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.answer = 'declined';
  pay(engine, 0, (SLOTS * 4) / 5 - 1);
  await clock.advance(2_000);
  assert.equal(lines('ring is nearly full').length, 0);
  pay(engine, 100, 3);
  await clock.advance(2_000);
  assert.deepEqual(
    lines('ring is nearly full').map(({ used, slots }) => [used, slots]),
    [[42, SLOTS]],
  );
  started.answer = 'charged';
  await clock.advance(60_000);
  assert.equal(lines('ring has room again').length, 1);
});

test('a ring that fills up is logged with the seconds that are left, before it is nearly full', async () => {
  const started = await start();
  const { clock, engine, lines } = started;
  started.answer = 'declined';
  for (let second = 0; second < 20; second++) {
    pay(engine, second, 1);
    await clock.advance(1_000);
  }
  const [said] = lines('ring is filling up');
  assert.ok(said);
  const { fullInS, used, slots } = said as { fullInS: number; used: number; slots: number };
  assert.ok(fullInS > 0 && fullInS <= SLOTS - used, `${fullInS} s with ${used} of ${slots}`);
  assert.equal(lines('ring is nearly full').length, 0);
  started.answer = 'charged';
  await clock.advance(60_000);
  assert.equal(lines('ring fills up no more').length, 1);
});

test('nothing is logged while all is well', async () => {
  const { clock, engine, lines } = await start();
  for (let second = 0; second < 30; second++) {
    pay(engine, second * 10, 10);
    await clock.advance(1_000);
  }
  const events = [
    'processor fails',
    'processor is slow',
    'ledger is slow',
    'ring is filling up',
    'ring is nearly full',
    'payments stand still',
    'sending is paused',
  ];
  assert.deepEqual(events.flatMap(lines), []);
});
