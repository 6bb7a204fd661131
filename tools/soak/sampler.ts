// What the parts use while a soak runs: memory, files, CPU and the event loop's delay of each, and
// how large tables, indexes and journals are.

import { statSync } from 'node:fs';
import { Client } from '../../test/world/client.ts';
import { query } from '../../test/world/database.ts';
import type { World } from '../../test/world/world.ts';
import { descriptorsOf, familyOf, usageOf } from '../system/processes.ts';

export interface PartSample {
  /** Since its processes began. */
  readonly cpuMs: number;
  /** Without what processes share, as PostgreSQL's buffers and programs' files are. */
  readonly memoryBytes: number;
  readonly descriptors: number;
  /** p99 of the last minute or two; null for what is no instance. */
  readonly loopDelayMs: number | null;
}

export interface TableSample {
  readonly bytes: number;
  readonly indexBytes: number;
  readonly rows: number;
  readonly deadRows: number;
  /** How often it was vacuumed. */
  readonly vacuums: number;
}

export interface Sample {
  /** From the start. */
  readonly atMs: number;
  readonly parts: Readonly<Record<string, PartSample>>;
  readonly tables: Readonly<Record<string, TableSample>>;
  /** Payments in the rings. */
  readonly held: number;
  /** What the journals' files take of the disk. */
  readonly journalBytes: number;
  readonly databaseBytes: number;
  /** Of its log, written since it was made. */
  readonly logBytes: number;
}

const BLOCK_BYTES = 512;
const LOOP_DELAY = /^repasse_event_loop_delay_seconds\{percentile="99"\} (\S+)$/m;

const TABLES = `
  SELECT relname AS name, pg_table_size(relid)::float8 AS bytes,
         pg_indexes_size(relid)::float8 AS index_bytes, n_live_tup::float8 AS rows,
         n_dead_tup::float8 AS dead_rows, (vacuum_count + autovacuum_count)::float8 AS vacuums
  FROM pg_stat_user_tables ORDER BY relname`;
const SIZES = `
  SELECT pg_database_size(current_database())::float8 AS database_bytes,
         (pg_current_wal_lsn() - '0/0')::float8 AS log_bytes`;

interface TableRow {
  readonly name: string;
  readonly bytes: number;
  readonly index_bytes: number;
  readonly rows: number;
  readonly dead_rows: number;
  readonly vacuums: number;
}

export class SoakSampler {
  readonly samples: Sample[] = [];
  readonly #world: World;
  readonly #admins: readonly Client[];
  readonly #startedMs = performance.now();

  /** `adminPaths`: the socket of each instance's admin server. */
  constructor(world: World, adminPaths: readonly string[]) {
    this.#world = world;
    this.#admins = adminPaths.map((path) => new Client(path));
  }

  async take(): Promise<void> {
    const world = this.#world;
    const atMs = performance.now() - this.#startedMs;
    const parts: Record<string, PartSample> = {
      nginx: usedBy(world.front.pid),
      PostgreSQL: usedBy(world.database.pid),
    };
    let [held, journalBytes] = [0, 0];
    for (const [number, instance] of world.instances.entries()) {
      const loopDelayMs = await this.#loopDelayMs(number);
      parts[`instance ${number}`] = { ...usedBy(instance.program.pid), loopDelayMs };
      held += (await instance.status()).held;
      journalBytes += statSync(instance.journalPath).blocks * BLOCK_BYTES;
    }
    const rows = await query<TableRow>(world.databaseUrl, TABLES);
    const [sizes] = await query<{ database_bytes: number; log_bytes: number }>(
      world.databaseUrl,
      SIZES,
    );
    this.samples.push({
      atMs,
      parts,
      tables: Object.fromEntries(rows.map((row) => [row.name, tableOf(row)])),
      held,
      journalBytes,
      databaseBytes: sizes?.database_bytes ?? 0,
      logBytes: sizes?.log_bytes ?? 0,
    });
  }

  close(): void {
    for (const admin of this.#admins) admin.close();
  }

  async #loopDelayMs(instance: number): Promise<number | null> {
    const { body } = await (this.#admins[instance] as Client).send('GET', '/metrics');
    const seconds = LOOP_DELAY.exec(body)?.[1];
    return seconds === undefined ? null : 1_000 * Number(seconds);
  }
}

/** The process and all below it. */
function usedBy(pid: number): PartSample {
  let [cpuMs, memoryBytes, descriptors] = [0, 0, 0];
  for (const each of familyOf(pid)) {
    const usage = usageOf(each);
    cpuMs += usage?.cpuMs ?? 0;
    memoryBytes += usage?.privateBytes ?? 0;
    descriptors += descriptorsOf(each);
  }
  return { cpuMs, memoryBytes, descriptors, loopDelayMs: null };
}

const tableOf = (row: TableRow): TableSample => ({
  bytes: row.bytes,
  indexBytes: row.index_bytes,
  rows: row.rows,
  deadRows: row.dead_rows,
  vacuums: row.vacuums,
});
