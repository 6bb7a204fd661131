// Archiving: rows of old months leave `payments` for `archived_payments`, where each month is a
// partition. Their sums stay as they are.
//
//   copy a chunk ──▶ wait for the writers that may not see the copy ──▶ delete its rows
//
// Writers go on all the while. A batch that is repeated after months must find its rows in one of
// the two tables: a writer whose statement began before the copy meets them in `payments`, a later
// one in the archive. So rows are deleted only once the transactions that wrote to `payments` when
// the copy was committed are over. Until then a row is in both tables and counts once
// (all_payments). A process that is killed leaves that state, and the next one goes on.

import type pg from 'pg';
import { sleep } from '../clock.ts';
import { LAST_ID } from '../payment.ts';
import {
  ARCHIVED_DAYS,
  isNoted,
  makeMonth,
  monthAt,
  stateOf,
  type Month,
} from './archive-months.ts';
import { ArchiveRefused, patiently, slowly } from './archive-session.ts';
import { writersEnd, type Progressing } from './payments-writers.ts';
import { PURGE_LOCK, tryShare } from './locks.ts';
import { MS, TIME } from './sql-time.ts';

export interface ArchiveParts extends Progressing {
  /** What an operator has to know. */
  readonly warn: (text: string) => void;
}

const ROWS = 5_000;

const LATEST = `SELECT ${MS(`now() - interval '${ARCHIVED_DAYS} days'`)} AS ms`;
const OLDEST = `
  SELECT ${MS('min(requested_at)')} AS ms FROM payments
  WHERE requested_at >= ${TIME('$1')} AND requested_at < ${TIME('$2')}`;
/** A purge can't begin before the end of the transaction, and none is under way. */
const NO_PURGE = `SELECT ${tryShare(PURGE_LOCK)} AS free`;

const COPY = (table: string): string => `
  WITH chunk AS MATERIALIZED (
    SELECT * FROM payments
    WHERE requested_at >= ${TIME('$1')} AND requested_at < ${TIME('$2')}
      AND (requested_at, correlation_id) > (${TIME('$1')}, $3)
    ORDER BY requested_at, correlation_id LIMIT ${ROWS}
  ), copied AS (
    INSERT INTO ${table} (correlation_id, processor, amount_cents, requested_at)
    SELECT correlation_id, processor, amount_cents, requested_at FROM chunk
    ORDER BY requested_at, correlation_id
    ON CONFLICT (correlation_id) DO NOTHING
  )
  SELECT correlation_id::text AS id, ${MS('requested_at')} AS ms FROM chunk
  ORDER BY requested_at, correlation_id`;

const DELETE = (table: string): string => `
  DELETE FROM payments USING ${table} AS archived
  WHERE payments.correlation_id = ANY ($1::uuid[]) AND archived.correlation_id = ANY ($1::uuid[])
    AND archived.correlation_id = payments.correlation_id
    AND archived.processor = payments.processor
    AND archived.amount_cents = payments.amount_cents
    AND archived.requested_at = payments.requested_at`;

/** A month is frozen once, and not written again. */
const FREEZE = (table: string): string => `VACUUM (FREEZE, ANALYZE, SKIP_LOCKED) ${table}`;
/** New rows get the room. Giving it back to the disk would take a lock that writers wait for. */
const FREE_ROOM = 'VACUUM (TRUNCATE false, SKIP_LOCKED) payments';

interface Moved {
  readonly id: string;
  readonly ms: number;
}

export class Archive {
  readonly #client: pg.Client;
  readonly #parts: ArchiveParts;
  #rows = 0;

  constructor(client: pg.Client, parts: ArchiveParts) {
    this.#client = client;
    this.#parts = parts;
  }

  /**
   * Moves the rows of all whole months before this one; resolves with their number. May be killed
   * and run again.
   * @throws ArchiveRefused when that month begins too late, during a purge, or while somebody else
   * locks a table for long
   */
  async before({ name, startMs: endMs }: Month): Promise<number> {
    const { rows: latest } = await this.#client.query<{ ms: number }>(LATEST);
    const { ms: latestMs } = latest[0] as { ms: number };
    if (endMs > latestMs) {
      throw new ArchiveRefused(
        `${name} begins too late: a month is archived when it ended ${ARCHIVED_DAYS} days ago ` +
          `or earlier, so --before may be ${monthAt(latestMs).name} at most`,
      );
    }
    for (let fromMs = 0; ;) {
      const oldestMs = await this.#oldest(fromMs, endMs);
      if (oldestMs === undefined) break;
      const month = monthAt(oldestMs);
      if (await this.#hasTable(month)) await this.#move(month);
      fromMs = month.endMs;
    }
    if (this.#rows > 0) await slowly(this.#client, FREE_ROOM);
    return this.#rows;
  }

  /** The time of the oldest row in [fromMs, endMs). */
  async #oldest(fromMs: number, endMs: number): Promise<number | undefined> {
    const { rows } = await patiently(this.#parts.clock, () =>
      this.#client.query<{ ms: number | null }>(OLDEST, [fromMs, endMs]),
    );
    return rows[0]?.ms ?? undefined;
  }

  async #hasTable(month: Month): Promise<boolean> {
    if (await isNoted(this.#client, month)) {
      this.#parts.warn(`rows of ${month.name} stay: the month is detached`);
      return false;
    }
    const state = await stateOf(this.#client, month);
    if (state === 'absent') {
      await patiently(this.#parts.clock, () => makeMonth(this.#client, month));
      return true;
    }
    if (state === 'attached') return true;
    const { table, name } = month;
    this.#parts.warn(`rows of ${name} stay: its table ${table} is ${state} and still there`);
    return false;
  }

  async #move(month: Month): Promise<void> {
    const { clock, progress, warn } = this.#parts;
    let last: Moved = { id: LAST_ID, ms: month.startMs - 1 };
    let moved = 0;
    let stayed = 0;
    for (;;) {
      const startMs = clock.elapsed();
      const chunk = await this.#copy(month, last);
      if (chunk.length === 0) break;
      last = chunk.at(-1) as Moved;
      await writersEnd(this.#client, this.#parts);
      const deleted = await this.#delete(month, chunk);
      moved += deleted;
      stayed += chunk.length - deleted;
      this.#rows += deleted;
      progress(() => `${month.name}: ${moved} rows, up to ${new Date(last.ms).toISOString()}`);
      // At least half of the time is for others.
      await sleep(clock, clock.elapsed() - startMs);
    }
    if (stayed > 0) warn(`${stayed} rows of ${month.name} stay: their ids are archived otherwise`);
    await slowly(this.#client, FREEZE(month.table));
  }

  async #copy(month: Month, { id, ms }: Moved): Promise<readonly Moved[]> {
    const { rows } = await this.#inTransaction<Moved>(COPY(month.table), [ms, month.endMs, id]);
    return rows;
  }

  async #delete(month: Month, chunk: readonly Moved[]): Promise<number> {
    const ids = chunk.map(({ id }) => id);
    return (await this.#inTransaction(DELETE(month.table), [ids])).rowCount ?? 0;
  }

  #inTransaction<Row extends pg.QueryResultRow>(
    text: string,
    values: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return patiently(this.#parts.clock, async () => {
      await this.#client.query('BEGIN');
      try {
        const { rows } = await this.#client.query<{ free: boolean }>(NO_PURGE);
        if (rows[0]?.free !== true) throw new ArchiveRefused('a purge is under way');
        const result = await this.#client.query<Row>(text, values);
        await this.#client.query('COMMIT');
        return result;
      } catch (error) {
        await this.#client.query('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }
}
