// A batch is recorded once, however often it is repeated and whoever else records, and the sums per
// second always agree with the rows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { connectLibpq, LedgerFailure } from '../../src/ledger/libpq.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('a batch of one processor is written as three arrays; a mixed or an empty one is a mistake', () => {
  const batch = batchOf([rowOf(1, 5, 7, 1), rowOf(2, 6, 8, 1)]);
  assert.equal(batch.processor, 1);
  assert.equal(batch.rows, 2);
  assert.equal(batch.amountCents, '{5,6}');
  assert.equal(batch.requestedAtMs, '{7,8}');
  assert.match(batch.ids, /^\{0{8}-0{4}-0{4}-0{4}-0{11}1,0{8}-.*2\}$/);
  assert.throws(() => batchOf([]), /empty/);
  assert.throws(() => batchOf([rowOf(1), rowOf(2, 1, 1, 1)]), /two processors/);
});

test('a batch that is recorded again changes nothing, in whole or in part', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => connection.close());
  const rows = [rowOf(1, 100), rowOf(2, 200, 1_752_500_000_999), rowOf(3, 300, 1_752_500_001_000)];
  for (let n = 0; n < 3; n++) await connection.record(batchOf(rows));
  assert.deepEqual(await checkSums(url), { payments: 3, cents: 600 });
  // Twice in one batch, beside known and new ones; the other processor comes too late.
  await connection.record(batchOfRows(rowOf(4, 1000), rowOf(2, 9), rowOf(4, 1000)));
  await connection.record(batchOfRows(rowOf(1, 100, 1_752_500_000_000, 1), rowOf(5, 1, 5, 1)));
  assert.deepEqual(await checkSums(url), { payments: 5, cents: 1601 });
});

test('a time is recorded to the millisecond, from 1970 to 9999', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => connection.close());
  const random = new Random();
  const times = [0, 1, 999, 1000, Date.UTC(9999, 11, 31, 23, 59, 59, 999)];
  for (let n = 0; n < 500; n++) times.push(1_700_000_000_000 + random.below(10 ** 12));
  for (let n = 0; n < 500; n++) times.push(random.below(253_402_300_799_999));
  const rows = times.map((ms, n) => rowOf(n, 1 + n, ms));
  await connection.record(batchOf(rows));
  const found = await reader.find(rows.map((row) => row.correlationId));
  const byId = new Map(found.map((row) => [row.correlationId, row]));
  for (const row of rows) assert.deepEqual(byId.get(row.correlationId), row, AGAIN);
  await checkSums(url);
});

test('overlapping batches from several connections at once are recorded once each, and none fails', async (context) => {
  const { url } = await makeLedger(server, context);
  const random = new Random();
  const all = Array.from({ length: 400 }, (_, n) =>
    rowOf(n, 1 + random.below(5000), 1_752_500_000_000 + random.below(5000)),
  );
  const pick = (): LedgerRow[] => {
    // In any order, over few seconds, the same processor: whatever could lock in two orders does.
    const rows = all.filter(() => random.chance(0.1));
    const picked = random.shuffled(rows);
    return picked.length > 0 ? picked : [all[0] as LedgerRow];
  };
  const connections = await Promise.all(
    Array.from({ length: 4 }, (_, instance) =>
      connectLibpq(url, { name: instance }, 20_000, systemClock),
    ),
  );
  context.after(() => connections.forEach((connection) => connection.close()));
  await Promise.all(
    connections.map(async (connection) => {
      for (let n = 0; n < 100; n++) await connection.record(batchOf(pick()));
    }),
  );
  await (connections[0] as (typeof connections)[0]).record(batchOf(all));
  const cents = all.reduce((sum, row) => sum + row.amountCents, 0);
  assert.deepEqual(await checkSums(url), { payments: 400, cents }, AGAIN);
  assert.doesNotMatch(await server.log(), /deadlock/);
});

test('what a row may not hold is refused with its reason, and nothing of its batch is recorded', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => connection.close());
  const refusals: readonly (readonly [LedgerRow, string])[] = [
    [rowOf(1, 0), '23514'],
    [rowOf(1, -5), '23514'],
    [{ ...rowOf(1), correlationId: 'no-uuid' }, '22P02'],
    [rowOf(1, 1, Number.NaN), '23502'],
    [rowOf(1, 1, 1e300), '22008'],
  ];
  for (const [row, sqlState] of refusals) {
    await assert.rejects(connection.record(batchOfRows(rowOf(2), row)), (error) => {
      assert.ok(error instanceof LedgerFailure);
      assert.match(error.kind + error.sqlState, new RegExp(`refused(${sqlState}|22...)`));
      return true;
    });
  }
  assert.deepEqual(await checkSums(url), { payments: 0, cents: 0 });
  await connection.record(batchOfRows(rowOf(2)));
  assert.deepEqual(await checkSums(url), { payments: 1, cents: 1990 });
});

test('instances that start at once make the schema together', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  await query(url, 'DROP TABLE payments, batch_sums, payment_sums, ledger_steps CASCADE');
  await Promise.all([1, 2, 3, 4].map(() => reader.ensureSchema()));
  await reader.ensureInBackground();
  assert.deepEqual(await checkSums(url), { payments: 0, cents: 0 });
});
