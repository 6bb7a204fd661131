// The batch writer with a virtual clock and a ledger without a database: when batches leave, and
// that each row is recorded once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../../src/ledger/batch.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { rowOf } from '../ledger/ledger-fixture.ts';
import { setUp } from './writer-bench.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const ascending = (left: number, right: number): number => left - right;

test('ten rows leave at once, nine when the oldest has waited for 10 ms', async () => {
  const { clock, ledger, writer, recorded, add } = setUp();
  add(10);
  await clock.advance(0);
  assert.deepEqual(ledger.statements, [10]);
  add(9);
  await clock.advance(9);
  assert.deepEqual(ledger.statements, [10]);
  assert.equal(writer.pending, 9);
  await clock.advance(1);
  assert.deepEqual(ledger.statements, [10, 9]);
  assert.deepEqual(recorded, range(19));
  assert.equal(writer.pending, 0);
  assert.equal(clock.timers, 0);
});

test('a batch is of one processor: the rows of both leave in two statements', async () => {
  const { clock, ledger, add } = setUp();
  add(4, 0);
  add(3, 1);
  await clock.advance(10);
  assert.deepEqual(ledger.statements, [4, 3]);
});

test('what comes during a statement leaves in the next one, up to the largest batch', async () => {
  const { clock, ledger, recorded, add } = setUp({ BATCH_ROWS_MAX: 50 });
  ledger.isHolding = true;
  add(10);
  await clock.advance(0);
  add(120);
  await clock.advance(100);
  assert.deepEqual(ledger.statements, [10]);
  ledger.isHolding = false;
  ledger.answer();
  await clock.advance(0);
  assert.deepEqual(ledger.statements, [10, 50, 50, 20]);
  assert.deepEqual(recorded, range(130));
});

test('a processor that is always busy does not keep the other one from its turn', async () => {
  const { clock, ledger, writer, add } = setUp();
  ledger.isHolding = true;
  add(10, 0);
  await clock.advance(0);
  add(1, 1);
  for (let n = 0; n < 3; n++) {
    add(10, 0);
    ledger.answer();
    await clock.advance(0);
  }
  assert.deepEqual(ledger.statements.slice(0, 3), [10, 1, 20]);
  ledger.isHolding = false;
  ledger.answer();
  await clock.advance(20);
  assert.equal(writer.pending, 0);
});

test('a batch of unknown fate is sent again as it is, and nothing is recorded twice', async () => {
  const { clock, ledger, recorded, said, add } = setUp();
  const fates = ['answer lost', 'broken before', 'answer lost', 'recorded'] as const;
  ledger.fateOf = () => fates[ledger.statements.length - 1] ?? 'recorded';
  add(10);
  await clock.advance(0);
  assert.deepEqual(recorded, []);
  await clock.advance(5_000);
  assert.deepEqual(ledger.statements, [10, 10, 10, 10]);
  assert.deepEqual(recorded, range(10));
  assert.equal(ledger.rows.size, 10);
  assert.equal(ledger.connections, 4);
  assert.equal(ledger.open, 1);
  assert.deepEqual(
    said.map(({ event, failures }) => ({ event, failures })),
    [
      { event: 'ledger unavailable', failures: undefined },
      { event: 'ledger available again', failures: 3 },
    ],
  );
});

test('while the database is away rows wait, tried at least once a second, and all arrive when it is back', async () => {
  const { clock, ledger, writer, recorded, said, add } = setUp();
  ledger.isAway = true;
  add(500, 0);
  add(500, 1);
  await clock.advance(60_000);
  assert.equal(writer.pending, 1000);
  assert.deepEqual(
    said.map(({ event }) => event),
    ['ledger unavailable'],
  );
  ledger.isAway = false;
  await clock.advance(1_000);
  assert.equal(writer.pending, 0);
  const [, end] = said;
  assert.equal(end?.event, 'ledger available again');
  assert.equal(end?.['rows'], 1000, 'how many waited');
  const { failures, lastedMs } = end as { failures?: number; lastedMs?: number };
  assert.ok(Number(failures) >= 59 && Number(failures) < 80, `${failures} tries`);
  assert.ok(Number(lastedMs) >= 60_000 && Number(lastedMs) <= 61_000, `${lastedMs} ms`);
  assert.equal(said.length, 2);
  assert.deepEqual(recorded.toSorted(ascending), range(1000));
  assert.equal(ledger.rows.size, 1000);
});

test('a refusal that is not about the rows is tried again on another connection', async () => {
  for (const sqlState of ['40P01', '57014', '26000', '42P01', '53100', '25006']) {
    const { clock, ledger, writer, recorded, add } = setUp();
    ledger.fateOf = () => (ledger.statements.length < 3 ? { refused: sqlState } : 'recorded');
    add(10);
    await clock.advance(1_000);
    assert.deepEqual(ledger.statements, [10, 10, 10], sqlState);
    assert.equal(recorded.length, 10);
    assert.deepEqual([ledger.connections, ledger.open, writer.refused], [3, 1, 0]);
  }
});

/** What a line of the log tells of slot n. */
const rowTold = (n: number): Record<string, unknown> => ({
  correlationId: rowOf(n).correlationId,
  processor: 'default',
  amountCents: 1 + n,
  requestedAt: new Date(0).toISOString(),
});

/** Refuses each batch that has one of these cents in it. */
function refusing(...cents: readonly number[]): (batch: Batch) => { refused: string } | 'recorded' {
  return (batch) => {
    const all = batch.amountCents.slice(1, -1).split(',').map(Number);
    return all.some((amount) => cents.includes(amount)) ? { refused: '23514' } : 'recorded';
  };
}

test('a row that the database refuses is put aside, the others are recorded, and it is tried again', async () => {
  const { clock, ledger, writer, recorded, said, add } = setUp();
  ledger.fateOf = refusing(1 + 3, 1 + 77);
  add(100);
  await clock.advance(0);
  assert.deepEqual(
    recorded.toSorted(ascending),
    range(100).filter((n) => n !== 3 && n !== 77),
  );
  assert.equal(writer.refused, 2);
  assert.equal(writer.pending, 2);
  const refusal = { sqlState: '23514', message: 'the database refuses it' };
  assert.deepEqual(
    said,
    [3, 77].map((n) => ({ event: 'ledger refuses a row', ...rowTold(n), ...refusal })),
  );
  // It holds up nobody.
  add(10);
  await clock.advance(0);
  assert.equal(recorded.length, 108);
  await clock.advance(30_010);
  assert.equal(writer.refused, 2);
  assert.equal(said.length, 2, 'the same refusal is said once');
  ledger.fateOf = () => 'recorded';
  await clock.advance(60_000);
  assert.deepEqual(recorded.toSorted(ascending), range(110));
  assert.deepEqual([writer.refused, writer.pending], [0, 0]);
  assert.deepEqual(
    said.slice(2),
    [3, 77].map((n) => ({ event: 'refused row is recorded', ...rowTold(n) })),
  );
});

test('more rows than the writer has room for are an error', async () => {
  const { clock, ledger, writer, add } = setUp({ BATCH_ROWS_MAX: 10 }, { slots: 20 });
  ledger.isAway = true;
  add(30);
  assert.throws(() => add(1), /more rows than slots/);
  assert.equal(writer.pending, 30);
  ledger.isAway = false;
  await clock.advance(2_000);
  assert.equal(writer.pending, 0);
});

test('slots that are used again while a refused batch is split find room', async () => {
  const recorded: number[] = [];
  const { clock, ledger, writer, add } = setUp(
    { BATCH_ROWS_MAX: 16 },
    {
      slots: 16,
      onRecorded: (slot) => {
        recorded.push(slot);
        // The slot holds another payment at once, and that one is charged.
        if (recorded.length <= 15) writer.add(slot);
      },
    },
  );
  ledger.isAway = true;
  ledger.fateOf = refusing(1 + 9);
  add(16);
  await clock.advance(100);
  ledger.isAway = false;
  await clock.advance(1_000);
  assert.deepEqual([writer.refused, writer.pending], [1, 1]);
  const good = range(16).filter((slot) => slot !== 9);
  assert.deepEqual(
    recorded.toSorted(ascending),
    good.flatMap((slot) => [slot, slot]),
  );
});

test('through any mixture of failures each row is reported once and recorded once', async () => {
  const random = new Random();
  const { clock, ledger, writer, recorded, add } = setUp({ BATCH_ROWS_MAX: 40 });
  const refused = new Set([17, 400, 401, 999]);
  let isOver = false;
  ledger.fateOf = (batch) => {
    if (isOver) return 'recorded';
    const fate = random.below(10);
    if (fate === 0) return 'answer lost';
    if (fate === 1) return 'broken before';
    if (fate === 2) return { refused: '40001' };
    return refusing(...refused)(batch);
  };
  for (let n = 0; n < 300; n++) {
    add(random.below(12), random.chance(0.7) ? 0 : 1);
    if (random.chance(0.05)) ledger.isAway = !ledger.isAway;
    await clock.advance(random.below(60));
  }
  ledger.isAway = false;
  isOver = true;
  await clock.advance(120_000);
  assert.equal(writer.pending, 0, AGAIN);
  assert.deepEqual(recorded.toSorted(ascending), range(recorded.length), AGAIN);
  assert.equal(ledger.rows.size, recorded.length, AGAIN);
  assert.equal(ledger.open, 1, AGAIN);
});
