// Emptying the ledger, by one instance at a time. Its connection has an advisory lock from before
// the other instances hold still until the purge is over. A free lock proves that this connection
// won't empty the ledger later: the lock ends with the connection, and PostgreSQL runs what a dead
// client sent before it releases the lock.

import pg from 'pg';
import { PURGE_LOCK, isHolder, tryLock } from './locks.ts';
import { KEEP_COMMITS, pgParameters } from './session.ts';

/**
 * A purging instance that hangs for this long loses its connection, and with it the lock.
 * PostgreSQL 14 and later.
 */
const IDLE_MS = 20_000;

const CLAIM = `SELECT ${tryLock(PURGE_LOCK)} AS claimed`;
const LIMIT_IDLE = `
  SELECT set_config(name, '${IDLE_MS}', false)
  FROM pg_settings WHERE name = 'idle_session_timeout'`;

/** Whether a purge may still empty the ledger. */
export const PURGE_IS_UNDER_WAY = `
  SELECT EXISTS (SELECT FROM pg_locks WHERE ${isHolder(PURGE_LOCK)}) AS purging`;

// Writers lock their two tables in either order, depending on whether their plan is made anew, so a
// deadlock with a writer is possible. The purge gives up its statement and tries again, well before
// PostgreSQL looks for a deadlock (after a second).
const EMPTY = `
  TRUNCATE payments, archived_payments, detached_months, detached_ids, batch_sums, payment_sums,
    anomalies, given_up`;
const LIMIT_LOCK_WAIT = `SET lock_timeout = '100ms'`;
const TRIES = 20;
const LOCK_NOT_AVAILABLE = '55P03';

export class LedgerPurge {
  readonly #client: pg.Client;

  private constructor(url: string, timeoutMs: number) {
    this.#client = new pg.Client(pgParameters({ url, timeoutMs, name: 'repasse-purge' }));
    // The next statement rejects.
    this.#client.on('error', ignore);
  }

  /**
   * 'busy' while this or another instance purges. @throws when the ledger can't be reached
   */
  static async begin(url: string, timeoutMs: number): Promise<LedgerPurge | 'busy'> {
    const purge = new LedgerPurge(url, timeoutMs);
    try {
      await purge.#client.connect();
      const { rows } = await purge.#client.query<{ claimed: boolean }>(CLAIM);
      if (rows[0]?.claimed !== true) {
        await purge.end();
        return 'busy';
      }
      await purge.#client.query(KEEP_COMMITS);
      await purge.#client.query(LIMIT_IDLE);
      await purge.#client.query(LIMIT_LOCK_WAIT);
    } catch (error) {
      await purge.end();
      throw error;
    }
    return purge;
  }

  /** Empties the ledger. @throws when it is not known to be empty */
  async empty(): Promise<void> {
    for (let tries = TRIES; ; tries--) {
      try {
        await this.#client.query(EMPTY);
        return;
      } catch (error) {
        if (tries === 1 || (error as pg.DatabaseError).code !== LOCK_NOT_AVAILABLE) throw error;
      }
    }
  }

  /** Releases the lock, if there is one. Never rejects. */
  async end(): Promise<void> {
    // PostgreSQL notices the end of the connection a moment later, and the next purge may come at
    // once.
    await this.#client.query('SELECT pg_advisory_unlock_all()').catch(ignore);
    await this.#client.end().catch(ignore);
  }
}

/** The connection is abandoned: its failure changes nothing. */
function ignore(): void {}
