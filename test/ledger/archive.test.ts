// Rows of old months are moved to the archive while payments are recorded and summed up. Each row
// counts once at each moment, whoever is killed, and an id that is archived is known.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ArchiveRefused } from '../../src/ledger/archive-session.ts';
import { monthNamed } from '../../src/ledger/archive-months.ts';
import { RECORD_BATCH } from '../../src/ledger/batch.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { LedgerRepair } from '../../src/ledger/repair.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import {
  AUGUST,
  JULY,
  SEPTEMBER,
  archiveBefore,
  clientOf,
  countOf,
  fourRows,
  settledIds,
} from './archive-fixture.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('rows of whole months move to the archive, and everything that reads rows finds them there', async (context) => {
  const { url, reader, writer } = await fourRows(server, context);
  const everything = { fromMs: 0, toMs: SEPTEMBER + 1 };
  const edge = { fromMs: AUGUST, toMs: AUGUST };
  const said = [await reader.totals(everything), await reader.totals(edge)];
  assert.deepEqual(await archiveBefore(url, '2025-09'), { rows: 3, said: [] });
  assert.equal(await countOf(url, 'payments'), 1);
  assert.equal(await countOf(url, 'archived_payments_2025_07'), 1);
  assert.equal(await countOf(url, 'archived_payments_2025_08'), 2);
  assert.deepEqual(await checkSums(url), { payments: 4, cents: 100 });
  assert.deepEqual([await reader.totals(everything), await reader.totals(edge)], said);
  const rows = [1, 2, 3, 4].map((n) => rowOf(n).correlationId);
  assert.equal((await reader.find(rows)).length, 4);
  assert.deepEqual(await settledIds(reader), rows);
  // A batch of unknown outcome is repeated, in part with a new row.
  assert.equal(await writer.record(batchOfRows(rowOf(1, 10, JULY), rowOf(2, 20, AUGUST))), 0);
  assert.equal(await writer.record(batchOfRows(rowOf(1, 10, JULY), rowOf(5, 50, JULY))), 1);
  assert.deepEqual(await checkSums(url), { payments: 5, cents: 150 });
  // The late row follows.
  assert.deepEqual(await archiveBefore(url, '2025-09'), { rows: 1, said: [] });
  assert.deepEqual(await checkSums(url), { payments: 5, cents: 150 });
  const given = { correlationId: rowOf(1).correlationId, amountCents: 10, mayBeCharged: false };
  assert.equal(await reader.giveUp(given), 'settled');
});

test('a batch that began before its rows were copied meets them in payments', async (context) => {
  const { url } = await fourRows(server, context);
  const [first, late] = [await clientOf(url, context), await clientOf(url, context)];
  const { processor, ids, amountCents, requestedAtMs } = batchOfRows(
    rowOf(0, 1, SEPTEMBER),
    rowOf(1, 10, JULY),
  );
  // The batch has its snapshot and waits for another row, of a transaction that is open.
  await first.query('BEGIN');
  await first.query('INSERT INTO payments VALUES ($1, 0, 1, now())', [rowOf(0).correlationId]);
  const batch = late.query<{ inserted: number }>(RECORD_BATCH, [
    processor,
    ids,
    amountCents,
    requestedAtMs,
  ]);
  await waitUntil('the batch waits', async () => {
    const text = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    return (await query(url, text)).length > 0;
  });
  const archiving = archiveBefore(url, '2025-09');
  await waitUntil(
    'a row is in both tables',
    async () =>
      (await query(url, `SELECT FROM pg_class WHERE relname = 'archived_payments_2025_07'`))
        .length > 0 && (await countOf(url, 'archived_payments')) > 0,
  );
  assert.equal(await countOf(url, 'payments'), 4);
  assert.deepEqual(await checkSums(url), { payments: 4, cents: 100 }, 'it counts once');
  await first.query('ROLLBACK');
  assert.equal((await batch).rows[0]?.inserted, 1, 'the other row alone');
  assert.equal((await archiving).rows, 3);
  assert.deepEqual(await checkSums(url), { payments: 5, cents: 101 });
});

test('an archiving process that is killed between copy and deletion is followed by the next one', async (context) => {
  const { url, writer } = await fourRows(server, context);
  const holder = await clientOf(url, context);
  await holder.query('BEGIN');
  await holder.query('INSERT INTO payments VALUES ($1, 0, 1, now())', [rowOf(9).correlationId]);
  const killed = assert.rejects(archiveBefore(url, '2025-09'));
  await waitUntil('a row is copied', async () => (await countOf(url, 'archived_payments')) > 0);
  await assert.rejects(archiveBefore(url, '2025-09'), ArchiveRefused);
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'repasse-archive' AND datname = current_database()`;
  await query(url, end);
  await killed;
  await holder.query('ROLLBACK');
  assert.equal(await countOf(url, 'payments'), 4);
  assert.deepEqual(await checkSums(url), { payments: 4, cents: 100 });
  assert.equal(await writer.record(batchOfRows(rowOf(1, 10, JULY))), 0);
  await waitUntil('the lock is free', async () => {
    return archiveBefore(url, '2025-09').then(
      () => true,
      (error: Error) => !(error instanceof ArchiveRefused),
    );
  });
  assert.equal(await countOf(url, 'payments'), 1);
  assert.deepEqual(await checkSums(url), { payments: 4, cents: 100 });
});

test('a ledger without the tables or the index is refused, and what it lacks is named', async (context) => {
  const url = await server.createDatabase();
  const lack = /the ledger lacks tables or indexes: make them first/;
  await assert.rejects(archiveBefore(url, '2025-09'), lack);
  const ledger = await makeLedger(server, context);
  await assert.rejects(archiveBefore(ledger.url, '2025-09'), lack);
  await ledger.reader.ensureInBackground();
  assert.deepEqual(await archiveBefore(ledger.url, '2025-09'), { rows: 0, said: [] });
});

test('young months, a purge and a repair are refused, and change nothing', async (context) => {
  const { url } = await fourRows(server, context);
  const next = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 7);
  await assert.rejects(archiveBefore(url, next), /begins too late.*--before may be \d{4}-\d\d/);
  const purge = await LedgerPurge.begin(url, 5_000);
  assert.notEqual(purge, 'busy');
  await assert.rejects(archiveBefore(url, '2025-09'), /a purge is under way/);
  if (purge !== 'busy') await purge.end();
  const repair = await LedgerRepair.open(url, '', { actor: 'test', reason: 'test' });
  await assert.rejects(archiveBefore(url, '2025-09'), ArchiveRefused);
  await repair.close();
  assert.equal(await countOf(url, 'payments'), 4);
  for (const name of ['2025-13', '2025-00', '25-01', '2025-1', '2025-01-01', ''])
    assert.equal(monthNamed(name), undefined, name);
});
