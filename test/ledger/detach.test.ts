// A month leaves the archive: no writer waits for that, its sums stay, and nothing takes them for
// wrong.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ComparedBooks } from '../../src/ledger/compared-books.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { LedgerRepair } from '../../src/ledger/repair.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import {
  AUGUST,
  JULY,
  archiveBefore,
  clientOf,
  countOf,
  detachMonth,
  fourRows,
  settledIds,
} from './archive-fixture.ts';
import { batchOfRows, checkSums, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('a month is detached while batches are recorded, and holds up none of them', async (context) => {
  const { url, reader, writer } = await fourRows(server, context);
  await archiveBefore(url, '2025-09');
  const old = await clientOf(url, context);
  await old.query('BEGIN; SELECT FROM archived_payments');
  const detaching = detachMonth(url, '2025-07');
  await waitUntil('the detaching waits', async () => {
    const text = `SELECT FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND application_name = 'repasse-archive'`;
    return (await query(url, text)).length > 0;
  });
  // Of an archived row, of a new one, and of one of the month that leaves.
  assert.equal(await writer.record(batchOfRows(rowOf(2, 20, AUGUST))), 0);
  assert.equal(await writer.record(batchOfRows(rowOf(6, 60, Date.now()))), 1);
  assert.equal((await reader.totals({ fromMs: AUGUST, toMs: AUGUST })).length, 2);
  assert.equal(await reader.find([rowOf(2).correlationId]).then(({ length }) => length), 1);
  await old.query('COMMIT');
  assert.equal(await detaching, undefined);
  assert.equal(await countOf(url, 'archived_payments_2025_07'), 1);
  assert.equal(await countOf(url, 'archived_payments'), 2);
  // Its ids are known with all that their rows said, and a batch of them adds nothing.
  const july1 = rowOf(1, 10, JULY);
  assert.deepEqual(await reader.find([july1.correlationId]), [july1]);
  assert.equal(await writer.record(batchOfRows(july1)), 0);
  const given = { correlationId: july1.correlationId, amountCents: 10, mayBeCharged: false };
  assert.equal(await reader.giveUp(given), 'settled');
  assert.equal((await settledIds(reader)).length, 5);
  // The sums stay; what is within a second can't be told any more.
  await assert.rejects(reader.totals({ fromMs: JULY + 1, toMs: AUGUST }), { end: 'from' });
  await assert.rejects(reader.totals({ fromMs: 0, toMs: JULY }), { end: 'to' });
  await assert.rejects(reader.totals({ fromMs: JULY + 5, toMs: JULY + 9 }), { end: 'from' });
  // A range of some milliseconds of July and some of August.
  const august = Date.UTC(2025, 7, 1);
  await assert.rejects(reader.totals({ fromMs: august - 1, toMs: august + 1 }), { end: 'from' });
  await reader.totals({ fromMs: august - 1_000, toMs: august + 1 });
  const [july] = await reader.totals({ fromMs: JULY, toMs: JULY + 999 });
  assert.deepEqual(july, { payments: '1', amountCents: '10' });
  assert.match((await detachMonth(url, '2025-07')) ?? '', /is detached already/);
  assert.match((await detachMonth(url, '2024-07')) ?? '', /is not in the archive/);
  // Late rows of it stay, whether its table is still there or not: what is packed is complete.
  assert.equal(await writer.record(batchOfRows(rowOf(7, 70, JULY))), 1);
  await query(url, 'DROP TABLE archived_payments_2025_07');
  const { rows, said } = await archiveBefore(url, '2025-09');
  assert.equal(rows, 0);
  assert.match(said.join(), /rows of 2025-07 stay/);
});

test('a detaching that was cut off is finished by the next one', async (context) => {
  const { url } = await fourRows(server, context);
  await archiveBefore(url, '2025-09');
  const old = await clientOf(url, context);
  await old.query('BEGIN; SELECT FROM archived_payments');
  const cut = assert.rejects(detachMonth(url, '2025-07'));
  await waitUntil('it is ended while it waits', async () => {
    const text = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND application_name = 'repasse-archive'`;
    return (await query(url, text)).length > 0;
  });
  await cut;
  await old.query('COMMIT');
  await waitUntil('the lock is free', () =>
    detachMonth(url, '2025-07').then(
      (why) => why === undefined,
      () => false,
    ),
  );
  assert.equal(await countOf(url, 'archived_payments'), 2);
});

test('a month that was detached and comes back counts as before, and can be detached again', async (context) => {
  const { url, reader, writer } = await fourRows(server, context);
  await archiveBefore(url, '2025-09');
  const july = rowOf(1, 10, JULY);
  for (let times = 0; times < 2; times++) {
    assert.equal(await detachMonth(url, '2025-07'), undefined);
    assert.deepEqual(await reader.find([july.correlationId]), [july]);
    await query(
      url,
      `BEGIN;
       ALTER TABLE archived_payments ATTACH PARTITION archived_payments_2025_07
         FOR VALUES FROM ('2025-07-01 00:00Z') TO ('2025-08-01 00:00Z');
       DELETE FROM detached_months WHERE starts_at = '2025-07-01 00:00Z';
       COMMIT`,
    );
    assert.deepEqual(await checkSums(url), { payments: 4, cents: 100 });
    assert.deepEqual(await reader.find([july.correlationId]), [july]);
    assert.equal(await writer.record(batchOfRows(july)), 0);
    const [totals] = await reader.totals({ fromMs: JULY, toMs: JULY });
    assert.deepEqual(totals, { payments: '1', amountCents: '10' });
  }
});

test('what is packed of a noted month is never taken back', async (context) => {
  const { url, reader } = await fourRows(server, context);
  await archiveBefore(url, '2025-09');
  await detachMonth(url, '2025-07');
  // A table with other rows comes back, and the month stays noted.
  await query(
    url,
    `DELETE FROM archived_payments_2025_07;
     ALTER TABLE archived_payments ATTACH PARTITION archived_payments_2025_07
       FOR VALUES FROM ('2025-07-01 00:00Z') TO ('2025-08-01 00:00Z')`,
  );
  assert.match((await detachMonth(url, '2025-07')) ?? '', /do not have the same ids/);
  const july = rowOf(1, 10, JULY);
  assert.deepEqual(await reader.find([july.correlationId]), [july]);
});

test('a repair leaves archived rows and detached months alone', async (context) => {
  const { url } = await fourRows(server, context);
  await archiveBefore(url, '2025-09');
  await detachMonth(url, '2025-07');
  const books = await ComparedBooks.open(url);
  const identity = await books.identity();
  const repair = await LedgerRepair.open(url, identity, { actor: 'test', reason: 'test' });
  try {
    const august = { correlationId: rowOf(2).correlationId, processor: 0, cents: 20n } as const;
    const seen = { ...august, requestedAtMs: AUGUST };
    const shall = { ...seen, cents: 21n };
    assert.equal(await repair.row({ seen, shall, kind: 'test' }), 'archived');
    assert.equal(await repair.row({ seen: undefined, shall, kind: 'test' }), 'archived');
    const july = { ...seen, correlationId: rowOf(1).correlationId, requestedAtMs: JULY };
    assert.equal(await repair.row({ seen: undefined, shall: july, kind: 'test' }), 'archived');
    const key = { processor: 0, period: 86_400, startMs: Date.UTC(2025, 6, 15) } as const;
    const day = await books.periods.of(key);
    assert.equal(await repair.sum(key, day?.summed ?? { payments: 0n, cents: 0n }), 'archived');
  } finally {
    await repair.close();
    await books.close();
  }
  assert.equal(await countOf(url, 'all_payments'), 3);
});

test('a purge empties the archive', async (context) => {
  const { url, reader } = await fourRows(server, context);
  await archiveBefore(url, '2025-09');
  await detachMonth(url, '2025-07');
  const purge = await LedgerPurge.begin(url, 5_000);
  assert.notEqual(purge, 'busy');
  if (purge === 'busy') return;
  await purge.empty();
  await purge.end();
  assert.equal(await countOf(url, 'all_payments'), 0);
  assert.equal(await countOf(url, 'detached_months'), 0);
  assert.equal(await countOf(url, 'detached_ids'), 0);
  assert.deepEqual(await settledIds(reader), []);
});
