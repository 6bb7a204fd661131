// The session with the database that has the lock on a shard and writes its journal. The lock
// fences: whoever has lost the session has lost the lock, and can't write.
//
// A successor ends the sessions of an owner that it follows (pg_terminate_backend) before it takes
// the lock. So a commit of the old owner has happened before the successor reads, or never does.

import type pg from 'pg';
import { CELL_BYTES } from '../buffer/journal-header.ts';
import { sleep, type Clock } from '../clock.ts';
import { UnusableLedger } from '../ledger/explain.ts';
import { SHARD_LOCK, isHolder, tryLock } from '../ledger/locks.ts';
import { KEEP_COMMITS, QUICK_KEEPALIVES } from '../ledger/session.ts';
import type { DatabaseClient, NewClient } from './database-client.ts';
import { BEAT, CHANNEL, IS_LATEST, tenureValues, type Tenure } from './shards-table.ts';

export interface ShardSessionParts {
  readonly newClient: NewClient;
  readonly clock: Clock;
  readonly shard: number;
}

/** A cell as the table has it. */
export interface CellRow {
  readonly slot: number;
  readonly cell: Buffer;
}

/** Tries while a session that was ended goes away. */
const LOCK_TRIES = 50;
const LOCK_EVERY_MS = 20;

const SESSION = `${KEEP_COMMITS};${QUICK_KEEPALIVES}`;

const POOLED = 'a connection pooler is in between: the lock of a shard needs the server itself';

const TRY_LOCK = `SELECT ${tryLock(SHARD_LOCK)} AS got`;

// A session that has just begun is spared: it belongs to another process that takes the shard now.
// A session that begins in the future is not new: it was there before the clock went back.
const END_HOLDER = `
  SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
  WHERE ${isHolder(SHARD_LOCK)}
    AND pid <> pg_backend_pid()
    AND backend_start NOT BETWEEN clock_timestamp() - interval '2 seconds' AND clock_timestamp()`;

/** The other sessions of the old owner's process. Their names end with the journal's id. */
const END_OTHERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND usename = session_user
    AND starts_with(application_name, 'repasse-')
    AND right(application_name, length($1) + 1) = '-' || $1`;

// The server, the branch of its history, the database and the table: a restored dump, a restored
// base backup and a standby that took over differ in one of them.
const HERE = `concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'journal_cells'::regclass::oid)`;

const HAS_CELLS = 'EXISTS (SELECT FROM journal_cells WHERE shard = $1)';

const SET_HOME = `UPDATE shards SET home = ${HERE} WHERE shard = $1`;

// The commit waits for the standby, and with it all commits before it: what is read next is as safe
// as what is written next. Nobody knows where cells without a home were written: in a version or a
// backup from before there were homes, or before the table of shards was emptied.
const TAKE = `
  WITH taken AS (
    UPDATE shards
    SET epoch = epoch + 1, owner = $3, address = $4, heartbeat_at = clock_timestamp(),
      home = CASE WHEN home <> '' OR ${HAS_CELLS} THEN home ELSE ${HERE} END
    WHERE shard = $1 AND epoch = $2 RETURNING epoch, home <> ${HERE} AS has_moved
  )
  SELECT epoch::text, has_moved, pg_notify('${CHANNEL}', $1::text) FROM taken`;

const READ_CELLS = `
  SELECT slot, cell FROM journal_cells WHERE shard = $1 AND slot > $2 ORDER BY slot LIMIT $3`;
/** Well within the time-out of a statement, and the time after which an owner counts as silent. */
const CELLS_AT_ONCE = 20_000;

/** The header's. */
const FIRST_SLOT = -2;

const READ_HEADER = 'SELECT slot, cell FROM journal_cells WHERE shard = $1 AND slot < 0';

/** Cells of one statement: 512 kB. */
const WRITTEN_AT_ONCE = 8_192;

const WRITE_CELLS = `
  INSERT INTO journal_cells (shard, slot, cell)
  SELECT $1, slot, substring($3::bytea FROM (${CELL_BYTES} * (n - 1) + 1)::int FOR ${CELL_BYTES})
  FROM unnest($2::int[]) WITH ORDINALITY AS slots (slot, n)
  ON CONFLICT (shard, slot) DO UPDATE SET cell = excluded.cell`;

export class ShardSession {
  /** Why the session can't be used any more. */
  failure: Error | undefined;
  readonly #parts: ShardSessionParts;
  readonly #client: DatabaseClient;
  /** A commit that was answered may not be on the standby. */
  #warning: string | undefined;

  constructor(parts: ShardSessionParts) {
    this.#parts = parts;
    this.#client = parts.newClient(`repasse-shard-${parts.shard}`);
    const fail = (error: Error): void => {
      this.failure ??= error;
    };
    this.#client.on('error', fail);
    this.#client.on('end', () => fail(new Error('the session ended')));
    this.#client.on('notice', ({ severity, message }) => {
      if (severity === 'WARNING') this.#warning = message;
    });
  }

  /** @throws when the database can't be reached */
  async open(): Promise<void> {
    await this.#client.connect();
    await this.#client.query(SESSION);
    const [row] = await this.#query<{ pid: number }>('SELECT pg_backend_pid() AS pid', []);
    // A pooler names a process of its own. It may give each statement another session: then the
    // lock would fence nothing.
    if (row?.pid !== processIdOf(this.#client)) throw new UnusableLedger('DATABASE_URL', POOLED);
  }

  /** Resolves with whether this session has the lock now. */
  async tryLock(): Promise<boolean> {
    const [row] = await this.#query<{ got: boolean }>(TRY_LOCK, [this.#parts.shard]);
    return row?.got === true;
  }

  /** Ends a session of an earlier owner. Resolves with whether this one has the lock now. */
  async lock(): Promise<boolean> {
    const { clock, shard } = this.#parts;
    for (let tries = LOCK_TRIES; tries > 0; tries--) {
      if (await this.tryLock()) return true;
      if (tries === LOCK_TRIES) await this.#query(END_HOLDER, [shard]);
      await sleep(clock, LOCK_EVERY_MS);
    }
    return false;
  }

  /**
   * Under the lock: begins the next epoch; undefined if `epoch` is not the latest. `hasMoved`: the
   * cells were, or may have been, written in another database than this one.
   */
  async take(
    epoch: number,
    owner: string,
    address: string,
  ): Promise<{ readonly epoch: number; readonly hasMoved: boolean } | undefined> {
    const values = [this.#parts.shard, epoch, owner, address];
    const [row] = await this.#query<{ epoch: string; has_moved: boolean }>(TAKE, values);
    return row && { epoch: Number(row.epoch), hasMoved: row.has_moved };
  }

  /** Under the lock: the cells are of this database from now on. */
  async setHome(): Promise<void> {
    await this.#query(SET_HOME, [this.#parts.shard]);
  }

  /** Under the lock: whether no other process has followed. */
  async takeAgain(tenure: Tenure): Promise<boolean> {
    return (await this.#query(BEAT, tenureValues(tenure))).length === 1;
  }

  /** Whether no other process has followed, lock or not. */
  async isLatest(tenure: Tenure): Promise<boolean> {
    return (await this.#query(IS_LATEST, tenureValues(tenure))).length === 1;
  }

  /** Under the lock: the journal's header. */
  header(): Promise<readonly CellRow[]> {
    return this.#query<{ slot: number; cell: Buffer }>(READ_HEADER, [this.#parts.shard]);
  }

  /** Under the lock: the next cells after `slot`, in order; none when there are no more. */
  cellsAfter(slot: number): Promise<readonly CellRow[]> {
    const values = [this.#parts.shard, slot, CELLS_AT_ONCE];
    return this.#query<{ slot: number; cell: Buffer }>(READ_CELLS, values);
  }

  /** Under the lock: the header and all cells. Resolves after each page's `between`. */
  async allCells(between = async (): Promise<void> => {}): Promise<readonly CellRow[]> {
    const cells: CellRow[] = [];
    for (let last = FIRST_SLOT - 1; ; last = cells.at(-1)?.slot as number) {
      const next = await this.cellsAfter(last);
      if (next.length === 0) return cells;
      for (const row of next) cells.push(row);
      await between();
    }
  }

  /** Under the lock: the shard has no journal any more. */
  async removeCells(): Promise<void> {
    await this.#query('DELETE FROM journal_cells WHERE shard = $1', [this.#parts.shard]);
  }

  /** Ends the other sessions of an earlier owner of the journal. */
  async endOthers(journal: string): Promise<void> {
    await this.#query(END_OTHERS, [journal]);
  }

  /**
   * Resolves when the cells, CELL_BYTES each, are committed, in the order of `slots`.
   * @throws when that isn't known; then the session is of no use any more
   */
  async write(slots: readonly number[], cells: Buffer): Promise<void> {
    const statement = { name: 'write_cells', text: WRITE_CELLS };
    for (let first = 0; first < slots.length; first += WRITTEN_AT_ONCE) {
      const some = slots.slice(first, first + WRITTEN_AT_ONCE);
      const bytes = cells.subarray(first * CELL_BYTES, (first + some.length) * CELL_BYTES);
      await this.#query(statement, [this.#parts.shard, some, bytes]);
    }
  }

  close(): void {
    this.failure ??= new Error('the session was closed');
    this.#client.end().catch(ignore);
  }

  async #query<R extends pg.QueryResultRow>(
    statement: string | { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<R[]> {
    if (this.failure !== undefined) throw this.failure;
    const config = typeof statement === 'string' ? { text: statement } : statement;
    this.#warning = undefined;
    const { rows } = await this.#client.query<R>({ ...config, values: [...values] });
    // "canceling wait for synchronous replication": somebody ended the wait for the standby.
    if (this.#warning !== undefined) throw new Error(this.#warning);
    return rows;
  }
}

/** The server's process as it was named when the connection began; `pg` has no type for it. */
function processIdOf(client: DatabaseClient): number | undefined {
  return (client as DatabaseClient & { readonly processID?: number }).processID;
}

/** The session is abandoned: its failure changes nothing. */
function ignore(): void {}
