// Emptying the ledger, by one instance at a time: on a connection of its own that holds an advisory lock from before the others hold
// still until all is done. Whoever finds the lock free knows that this connection won't empty it any more: the lock goes with
// the connection, and PostgreSQL runs what a dead client sent before it lets go.

import pg from 'pg';
import { KEEP_COMMITS, pgParameters } from './session.ts';

/** Any number that no other program's lock has. */
const LOCK = 7_200_327;
/** A leader that stands still for so long has lost its connection, and with it the lock. PostgreSQL 14 and later. */
const IDLE_MS = 20_000;

const CLAIM = `SELECT pg_try_advisory_lock(${LOCK}) AS claimed`;
const BOUND = `SELECT set_config(name, '${IDLE_MS}', false) FROM pg_settings WHERE name = 'idle_session_timeout'`;

/** Whether a purge may still empty the ledger. */
export const PURGE_IS_UNDER_WAY = `
  SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND datname = current_database() AND granted
      AND classid = 0 AND objid = ${LOCK} AND objsubid = 1
  ) AS purging`;

// Others lock these two in either order, depending on whether their plan is made anew, so this may block with one of them: it is
// this one that steps back, well before PostgreSQL would look for a deadlock (after a second).
const STEP_BACK = `SET lock_timeout = '100ms'`;
const TRIES = 20;
const LOCK_NOT_AVAILABLE = '55P03';

export class LedgerPurge {
  readonly #client: pg.Client;

  private constructor(url: string, timeoutMs: number) {
    this.#client = new pg.Client(pgParameters({ url, timeoutMs, name: 'repasse-purge' }));
    // The statement that meets it says so.
    this.#client.on('error', ignore);
  }

  /** 'busy' while there is another one, of whichever instance. @throws when the ledger can't be reached */
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
      await purge.#client.query(BOUND);
      await purge.#client.query(STEP_BACK);
    } catch (error) {
      await purge.end();
      throw error;
    }
    return purge;
  }

  /** Empties the ledger. @throws when it may not be empty */
  async empty(): Promise<void> {
    for (let tries = TRIES; ; tries--) {
      try {
        await this.#client.query('TRUNCATE payments, payments_per_second, anomalies');
        return;
      } catch (error) {
        if (tries === 1 || (error as pg.DatabaseError).code !== LOCK_NOT_AVAILABLE) throw error;
      }
    }
  }

  /** Lets go of the lock, where there is one. Never rejects. */
  async end(): Promise<void> {
    // Before its end, which PostgreSQL notices a moment later: the next purge may come at once.
    await this.#client.query('SELECT pg_advisory_unlock_all()').catch(ignore);
    await this.#client.end().catch(ignore);
  }
}

/** A connection that is given up on anyway. */
function ignore(): void {}
