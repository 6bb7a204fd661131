// Random histories on a real PostgreSQL: writers, repeats, late rows, folds by two processes, a
// repair, a purge or the archive, all at once. At each moment a summary of any range is the plain
// sum of the rows.

import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../src/clock.ts';
import { ArchiveRefused } from '../../src/ledger/archive-session.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { IN_RANGE } from '../../src/ledger/compared-row.ts';
import { FOLD_SUMS } from '../../src/ledger/fold-sums.ts';
import { connectLibpq, type NativeConnection } from '../../src/ledger/libpq.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { totalsOf } from '../../src/ledger/range-totals.ts';
import { LedgerRepair, RepairRefused } from '../../src/ledger/repair.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { wrongSumsOf } from '../world/sums.ts';
import { archiveBefore } from './archive-fixture.ts';
import { makeLedger, rowOf } from './ledger-fixture.ts';

const HISTORIES = Number(process.env['HISTORIES'] ?? 300);
const WRITERS = 3;
const ROWS = 24;
const MIDNIGHT = Date.UTC(2025, 7, 1);
/** Where a month, hour, minute and second ends and the next one begins, and some that do not. */
const STARTS = [
  MIDNIGHT,
  MIDNIGHT + 3_600_000,
  MIDNIGHT + 60_000,
  MIDNIGHT + 1_000,
  MIDNIGHT + 1_234,
];

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

interface World {
  readonly url: string;
  readonly random: Random;
  readonly writers: readonly NativeConnection[];
  readonly folders: readonly pg.Client[];
  readonly reader: pg.Client;
}

async function open(context: TestContext): Promise<World> {
  const { url, reader } = await makeLedger(server, context);
  await reader.ensureInBackground();
  const client = async (): Promise<pg.Client> => {
    const one = new pg.Client({ connectionString: url });
    await one.connect();
    context.after(() => one.end());
    return one;
  };
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, n) => connectLibpq(url, { name: n }, 5_000, systemClock)),
  );
  context.after(() => writers.forEach((writer) => writer.close()));
  const folders = [await client(), await client()];
  return { url, random: new Random(), writers, folders, reader: await client() };
}

const momentOf = (random: Random): number =>
  (STARTS[random.below(STARTS.length)] as number) + random.below(5) - 2;

/** Rows that any writer may record, so that some are recorded several times. */
const makeRows = (random: Random): LedgerRow[] =>
  Array.from({ length: ROWS }, (_, n) =>
    rowOf(n, 1 + random.below(1_000), momentOf(random), n % 2 === 0 ? 0 : 1),
  );

async function write(writer: NativeConnection, random: Random, rows: readonly LedgerRow[]) {
  for (let n = 0; n < 4; n++) {
    const some = random.shuffled(rows).slice(0, 1 + random.below(6));
    for (const processor of [0, 1]) {
      const own = some.filter((row) => row.processor === processor);
      if (own.length > 0) await writer.record(batchOf(own));
    }
  }
}

async function fold(client: pg.Client): Promise<void> {
  for (let n = 0; n < 3; n++) await client.query(FOLD_SUMS);
}

/** Archiving keeps it away while a chunk of rows is moved. */
async function purge(url: string): Promise<void> {
  await waitUntil('the ledger is emptied', async () => {
    const purging = await LedgerPurge.begin(url, 5_000);
    if (purging === 'busy') return false;
    await purging.empty();
    await purging.end();
    return true;
  });
}

/** One after the other; a purge that is under way ends it. */
async function archive(url: string, months: readonly string[]): Promise<void> {
  try {
    for (const month of months) await archiveBefore(url, month);
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error;
  }
}

async function repair({ url, random }: World, rows: readonly LedgerRow[]): Promise<void> {
  const [ledger] = await query<{ identity: string }>(
    url,
    `SELECT coalesce((SELECT id::text FROM ledger), '') || ' ' ||
       pg_relation_filenode('payments') AS identity`,
  );
  const note = { actor: 'test', reason: 'test' };
  const repairs = await LedgerRepair.open(url, ledger?.identity ?? '', note);
  try {
    for (const row of random.shuffled(rows).slice(0, 4)) {
      const { correlationId, processor, amountCents, requestedAtMs } = row;
      const seen = { correlationId, processor, cents: BigInt(amountCents), requestedAtMs };
      const shall = { ...seen, cents: 7n, requestedAtMs: momentOf(random) };
      const isKnown = random.chance(0.7);
      await repairs.row({ seen: isKnown ? seen : undefined, shall, kind: 'test' });
    }
  } catch (error) {
    if (!(error instanceof RepairRefused)) throw error;
  } finally {
    await repairs.close();
  }
}

/** Both as one snapshot sees them. */
async function compare({ reader, random }: World): Promise<void> {
  const fromMs = momentOf(random);
  const range = { fromMs, toMs: fromMs + random.below(random.chance(0.5) ? 3_000 : 90_000_000) };
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  const { rows } = await reader.query<{ processor: number; payments: string; cents: string }>(
    `SELECT processor, count(*)::text AS payments, sum(amount_cents)::text AS cents
     FROM all_payments WHERE ${IN_RANGE} GROUP BY processor`,
    [range.fromMs, range.toMs],
  );
  const said = await totalsOf(reader, range);
  await reader.query('COMMIT');
  const expected = [0, 1].map((processor) => {
    const row = rows.find((candidate) => candidate.processor === processor);
    return { payments: row?.payments ?? '0', amountCents: row?.cents ?? '0' };
  });
  assert.deepEqual(said, expected, `${range.fromMs} to ${range.toMs} ${AGAIN}`);
}

test(`a summary is the sum of the rows at each moment of ${HISTORIES} random histories`, async (context) => {
  const world = await open(context);
  const { url, random, writers, folders } = world;
  for (let n = 0; n < HISTORIES; n++) {
    await query(url, 'TRUNCATE payments, archived_payments, batch_sums, payment_sums');
    const rows = makeRows(random);
    const compared = async (): Promise<void> => {
      for (let times = 0; times < 6; times++) await compare(world);
    };
    const others: readonly (() => Promise<unknown>)[] = [
      () => purge(url),
      () => repair(world, rows),
      () => archive(url, ['2025-08', '2025-09']),
      () => Promise.all([purge(url), archive(url, ['2025-09'])]),
    ];
    await Promise.all([
      ...writers.map((writer, at) => write(writer, new Random(SEED + n * WRITERS + at), rows)),
      ...folders.map(fold),
      compared(),
      others[n % others.length]?.(),
    ]);
    await compare(world);
    assert.deepEqual(await wrongSumsOf(url), [], `history ${n} ${AGAIN}`);
    for (const folder of folders) await folder.query(FOLD_SUMS);
    assert.deepEqual(await query(url, 'SELECT FROM batch_sums'), []);
    assert.deepEqual(await wrongSumsOf(url), [], `history ${n}, folded ${AGAIN}`);
  }
});
