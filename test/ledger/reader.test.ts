// Reads of the ledger beside plain SQL over its rows, and which ledger it is.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../src/clock.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import type { Totals } from '../../src/ledger/range-totals.ts';
import { LedgerReader, type TimeRange } from '../../src/ledger/reader.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { GapProxy } from '../world/gap-proxy.ts';
import { waitUntil } from '../world/wait-until.ts';
import { makeLedger, rowOf, type Ledger } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

const NOON = Date.UTC(2025, 6, 15, 12);

async function record(url: string, rows: readonly LedgerRow[]): Promise<void> {
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  for (const processor of [0, 1]) {
    const own = rows.filter((row) => row.processor === processor);
    if (own.length > 0) await connection.record(batchOf(own));
  }
  connection.close();
}

function expected(rows: readonly LedgerRow[], { fromMs, toMs }: TimeRange): readonly Totals[] {
  return [0, 1].map((processor) => {
    const inside = rows.filter(
      (row) =>
        row.processor === processor && row.requestedAtMs >= fromMs && row.requestedAtMs <= toMs,
    );
    const cents = inside.reduce((sum, row) => sum + BigInt(row.amountCents), 0n);
    return { payments: String(inside.length), amountCents: String(cents) };
  });
}

async function compare(
  { reader }: Ledger,
  rows: readonly LedgerRow[],
  range: TimeRange,
): Promise<void> {
  const said = await reader.totals(range);
  assert.deepEqual(said, expected(rows, range), `${range.fromMs} to ${range.toMs} ${AGAIN}`);
}

for (const [name, start] of [
  ['today', NOON],
  ['in 1970', 0],
  ['in 9999', Date.UTC(9999, 11, 31, 23, 59, 55)],
] as const) {
  test(`totals are exact to the millisecond at both ends of any range, ${name}`, async (context) => {
    const ledger = await makeLedger(server, context);
    const random = new Random();
    const rows = Array.from({ length: 2000 }, (_, n) =>
      // Few distinct moments, so that many rows are right at an end.
      rowOf(
        n,
        1 + random.below(10 ** 9),
        start + random.below(500) * 10 - (n & 1),
        (n & 2) === 0 ? 0 : 1,
      ),
    ).filter((row) => row.requestedAtMs >= 0);
    await record(ledger.url, rows);
    for (let n = 0; n < 300; n++) {
      const fromMs = start - 500 + random.below(6000);
      await compare(ledger, rows, {
        fromMs,
        toMs: fromMs + random.below([2, 300, 2000, 8000][n & 3] as number),
      });
    }
    const marks = [
      start,
      start + 1,
      start + 999,
      start + 1000,
      start + 1001,
      start + 1999,
      start + 2000,
    ];
    for (const fromMs of marks)
      for (const toMs of marks) await compare(ledger, rows, { fromMs, toMs });
    const everything = {
      fromMs: Date.UTC(0, 0, 1) - 6e13,
      toMs: Date.UTC(9999, 11, 31) + 2 * 864e5,
    };
    await compare(ledger, rows, everything);
    await compare(ledger, rows, { fromMs: everything.toMs, toMs: everything.fromMs });
  });
}

test('a sum beyond what a float holds is exact', async (context) => {
  const ledger = await makeLedger(server, context);
  const rows = Array.from({ length: 1000 }, (_, n) => rowOf(n, 99_999_999_999_999, NOON + n * 10));
  await record(ledger.url, rows);
  await compare(ledger, rows, { fromMs: NOON, toMs: NOON + 60_000 });
  assert.equal(
    expected(rows, { fromMs: NOON, toMs: NOON + 60_000 })[0]?.amountCents,
    '99999999999999000',
  );
});

test('totals follow batches that are recorded meanwhile: rows and sums are seen together or not at all', async (context) => {
  const ledger = await makeLedger(server, context);
  const connection = await connectLibpq(ledger.url, { name: 0 }, 5_000, systemClock);
  context.after(() => connection.close());
  const recorder = { isBusy: true };
  const recording = (async () => {
    for (let n = 0; n < 200; n++) {
      // One before the whole seconds of the range, two in them, one after.
      await connection.record(
        batchOf([500, 1000, 1999, 2500].map((ms, at) => rowOf(n * 4 + at, 100, NOON + ms))),
      );
    }
    recorder.isBusy = false;
  })();
  let last = 0;
  while (recorder.isBusy) {
    const [{ payments, amountCents }] = await ledger.reader.totals({
      fromMs: NOON + 400,
      toMs: NOON + 2600,
    });
    assert.equal(Number(payments) % 4, 0);
    assert.equal(Number(amountCents), Number(payments) * 100);
    assert.ok(Number(payments) >= last);
    last = Number(payments);
  }
  await recording;
  const [{ payments }] = await ledger.reader.totals({ fromMs: NOON, toMs: NOON + 3000 });
  assert.equal(payments, '800');
});

test('rows are found by their ids, whole, and unknown ids are left out', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const rows = [rowOf(1, 1990, NOON + 1, 1), rowOf(2, 9_999_999_999_999, NOON + 999)];
  await record(url, rows);
  const ids = [...rows, rowOf(3)].map((row) => row.correlationId);
  const found = await reader.find([...ids, ...ids]);
  assert.deepEqual(
    found.toSorted((left, right) => (left.correlationId < right.correlationId ? -1 : 1)),
    rows,
  );
  assert.deepEqual(await reader.find([]), []);
});

test('a read of a database that does not answer fails by itself, and the next one works when it does', async (context) => {
  const { url } = await makeLedger(server, context);
  const proxy = await GapProxy.start(url);
  context.after(() => proxy.close());
  const reader = new LedgerReader(proxy.through(url), 300, () => {});
  context.after(() => reader.close());
  const range = { fromMs: 0, toMs: NOON };
  await reader.totals(range);
  proxy.blackHole();
  // More than there are connections: those that wait for one fail as well.
  const reads = await Promise.allSettled(Array.from({ length: 10 }, () => reader.totals(range)));
  assert.ok(reads.every(({ status }) => status === 'rejected'));
  proxy.release();
  await reader.totals(range);
  proxy.reset();
  await reader.totals(range).catch(() => {});
  assert.deepEqual(await reader.totals(range), expected([], range));
  await proxy.refuse();
  proxy.cut();
  await assert.rejects(async () => {
    for (let n = 0; n < 2; n++) await reader.totals(range);
  });
});

test('two connections see that they are to the same tables, and that they are not', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const { url: other } = await makeLedger(server, context);
  await query(
    url,
    'CREATE SCHEMA books; CREATE TABLE books.payments (LIKE payments INCLUDING ALL)',
  );
  const sees = async (target: string, token: string): Promise<boolean> => {
    const connection = await connectLibpq(target, { name: 0 }, 5_000, systemClock);
    context.after(() => connection.close());
    await connection.lockToken(token);
    return reader.seesToken(token);
  };
  assert.equal(await sees(url, 'a1'), true);
  assert.equal(await sees(other, 'a2'), false);
  assert.equal(await sees(`${url}?options=-c%20search_path=books,public`, 'a3'), false);
  assert.equal(await reader.seesToken('a4'), false);
});

test('summaries that take long delay no question about a payment', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const row = rowOf(1);
  await record(url, [row]);
  const holder = new pg.Client({ connectionString: url });
  context.after(() => holder.end());
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE payment_sums');
  let areUnderWay = true;
  const summaries = Promise.all(
    Array.from({ length: 8 }, () => reader.totals({ fromMs: 0, toMs: 1 })),
  ).finally(() => {
    areUnderWay = false;
  });
  await waitUntil('a summary waits for the lock', async () => {
    const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    return (await query(url, waits)).length > 0;
  });
  assert.equal((await reader.find([row.correlationId])).length, 1);
  assert.equal(areUnderWay, true);
  await holder.query('COMMIT');
  await summaries;
});
