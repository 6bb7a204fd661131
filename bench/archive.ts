// How long it takes to archive and detach a month, what its payments take on the disk, and how long
// a writer waits that records payments all the while. PostgreSQL syncs its commits.

import { setTimeout as sleepMs } from 'node:timers/promises';
import pg from 'pg';
import { systemClock } from '../src/clock.ts';
import { Archive } from '../src/ledger/archive.ts';
import { monthNamed, type Month } from '../src/ledger/archive-months.ts';
import { connectArchive } from '../src/ledger/archive-session.ts';
import { batchOf } from '../src/ledger/batch.ts';
import { detach } from '../src/ledger/detach.ts';
import { connectLibpq } from '../src/ledger/libpq.ts';
import { LedgerReader } from '../src/ledger/reader.ts';
import type { LedgerRow } from '../src/payment.ts';
import { DatabaseServer, query } from '../test/world/database.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { quantile } from '../tools/load/open-loop.ts';
import { ARCHIVE } from './benchmarks.ts';
import { fillLedger } from './filled-ledger.ts';
import { markdownTable } from './report.ts';

const { payments, rate, alone } = readCommandLine({
  ...ARCHIVE,
  words: {
    payments: { about: 'payments of the month', preset: 1_000_000, least: 1 },
    rate: { about: 'payments per second of the writer', preset: 300, least: 1 },
  },
  options: { alone: { about: 'seconds of the writer alone', preset: 20, least: 1 } },
});

const JULY = monthNamed('2025-07') as Month;
const AUGUST = monthNamed('2025-08') as Month;
const BATCH_ROWS = 10;
const CHUNK = 100_000;
const LOOK_EVERY_MS = 10;
const TIMEOUT_MS = 600_000;

interface Waits {
  /** Of batches, from when each was due: one that is late because of another one waits longer. */
  readonly latencies: number[];
  /** How often a batch was seen waiting for a lock. */
  locks: number;
}

/** Records batches at a steady rate, and looks every 10 ms whether the latest waits for a lock. */
class Writer {
  readonly #url: string;
  #waits: Waits = { latencies: [], locks: 0 };
  #isOver = false;

  constructor(url: string) {
    this.#url = url;
  }

  async run(): Promise<void> {
    const connection = await connectLibpq(this.#url, { name: 'writer' }, TIMEOUT_MS, systemClock);
    const everyMs = (1_000 * BATCH_ROWS) / rate;
    for (let dueMs = performance.now(); !this.#isOver; dueMs += everyMs) {
      await sleepMs(Math.max(0, dueMs - performance.now()));
      await connection.record(batchOf(newRows()));
      this.#waits.latencies.push(performance.now() - dueMs);
    }
    connection.close();
  }

  async watch(): Promise<void> {
    const text = `SELECT FROM pg_stat_activity
      WHERE application_name LIKE '%writer' AND wait_event_type = 'Lock'`;
    const watcher = new pg.Client({ connectionString: this.#url });
    await watcher.connect();
    while (!this.#isOver) {
      this.#waits.locks += (await watcher.query(text)).rowCount ?? 0;
      await sleepMs(LOOK_EVERY_MS);
    }
    await watcher.end();
  }

  /** Since the last call. */
  waits(): Waits {
    const taken = this.#waits;
    this.#waits = { latencies: [], locks: 0 };
    return taken;
  }

  end(): void {
    this.#isOver = true;
  }
}

const newRows = (): LedgerRow[] =>
  Array.from({ length: BATCH_ROWS }, () => ({
    correlationId: crypto.randomUUID(),
    processor: 0,
    amountCents: 1990,
    requestedAtMs: Date.now(),
  }));

const STATEMENTS: readonly (readonly [start: RegExp, name: string])[] = [
  [/^DELETE/, 'delete its rows'],
  [/pg_locks JOIN/, 'look for writers'],
  [/^VACUUM \(FREEZE/, 'freeze the month'],
  [/^VACUUM/, 'free the room in payments'],
  [/^WITH chunk AS MATERIALIZED \(\s+SELECT \* FROM arch/, 'pack ids'],
  [/^WITH chunk/, 'copy a chunk'],
  [/^INSERT INTO detached_months/, 'count the month'],
  [/^ALTER/, 'detach'],
];

/** Notes how long each statement takes. */
function timed(client: pg.Client, times: Map<string, number[]>): pg.Client {
  const run = client.query.bind(client) as (...values: unknown[]) => Promise<unknown>;
  const timedQuery = async (...values: unknown[]): Promise<unknown> => {
    const [first] = values as [string | { readonly text: string }];
    const text = (typeof first === 'string' ? first : first.text).trim();
    const name = STATEMENTS.find(([start]) => start.test(text))?.[1] ?? 'all others';
    const beganMs = performance.now();
    const result = await run(...values);
    times.set(name, [...(times.get(name) ?? []), performance.now() - beganMs]);
    return result;
  };
  return Object.assign(client, { query: timedQuery });
}

const RELATIONS = `
  SELECT relname AS name, pg_relation_size(pg_class.oid)::float8 / 1e6 AS mb
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = 'public' AND relkind IN ('r', 'i')
    AND relname ~ '^(payments|archived_payments_2025|payment_sums|detached_ids)'
  ORDER BY relname`;

async function sizes(url: string): Promise<ReadonlyMap<string, number>> {
  const rows = await query<{ name: string; mb: number }>(url, RELATIONS);
  return new Map(rows.map(({ name, mb }) => [name, mb]));
}

const walMb = async (url: string): Promise<number> =>
  (
    await query<{ mb: number }>(
      url,
      `SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8 / 1e6 AS mb`,
    )
  )[0]?.mb ?? Number.NaN;

const server = await DatabaseServer.start({ durable: true });
const url = await server.createDatabase();
const reader = new LedgerReader(url, TIMEOUT_MS, () => {});
await reader.ensureSchema();
await reader.ensureInBackground();
await fillLedger(url, { payments, fromMs: JULY.startMs, toMs: JULY.endMs, chunk: CHUNK });
await query(url, 'CHECKPOINT');

const writer = new Writer(url);
const writing = Promise.all([writer.run(), writer.watch()]);
const phases: string[][] = [];

async function phase<T>(name: string, run: () => Promise<T>): Promise<T> {
  writer.waits();
  const [beganMs, beganMb] = [performance.now(), await walMb(url)];
  const result = await run();
  const [tookMs, mb] = [performance.now() - beganMs, (await walMb(url)) - beganMb];
  const { latencies, locks } = writer.waits();
  const sorted = latencies.toSorted((a, b) => a - b);
  const ms = [0.5, 0.99, 1].map((part) => quantile(sorted, part).toFixed(1));
  phases.push([name, (tookMs / 1_000).toFixed(1), ...ms, String(locks), mb.toFixed(0)]);
  return result;
}

const times = new Map<string, number[]>();
const parts = { clock: systemClock, progress: () => {}, warn: console.error };
const before = await sizes(url);
await phase('the writer alone', () => sleepMs(alone * 1_000));
const client = timed(await connectArchive(url), times);
const rows = await phase('archive', () => new Archive(client, parts).before(AUGUST));
const archived = await sizes(url);
const why = await phase('detach', () => detach(client, JULY, parts));
await phase('the writer alone again', () => sleepMs(alone * 1_000));
if (why !== undefined || rows !== payments) throw new Error(`${rows} rows moved; ${why}`);
writer.end();
await writing;
await client.end();
await reader.close();
const detached = await sizes(url);
await server.close();

const PHASES = [
  '',
  'seconds',
  'p50 of a batch, ms',
  'p99',
  'longest',
  'waits for a lock',
  'WAL, MB',
];
console.log(`${payments} payments of a month; a writer with ${rate} payments/s\n`);
console.log(markdownTable(PHASES, phases));
console.log();
const ofTimes = [...times].map(([name, all]) => {
  const sorted = all.toSorted((a, b) => a - b);
  const seconds = all.reduce((sum, ms) => sum + ms, 0) / 1_000;
  const [median, longest] = [quantile(sorted, 0.5), quantile(sorted, 1)];
  return [name, String(all.length), median.toFixed(1), longest.toFixed(1), seconds.toFixed(1)];
});
console.log(markdownTable(['statement', 'times', 'p50, ms', 'longest, ms', 'all, s'], ofTimes));
console.log();
const mb = (value: number | undefined): string => value?.toFixed(1) ?? '';
const names = [...new Set([...before.keys(), ...archived.keys(), ...detached.keys()])];
const ofSizes = names.map((name) => [
  name,
  ...[before, archived, detached].map((size) => mb(size.get(name))),
]);
console.log(markdownTable(['MB', 'before', 'archived', 'detached'], ofSizes));
