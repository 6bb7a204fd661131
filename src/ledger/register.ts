// The register of instances in the ledger: the ledger's id, the number of instances, and the
// journal of each instance. An instance has a connection of its own for it, with an advisory lock
// on its place: at most one process has that lock. The lock ends with the connection.

import pg from 'pg';
import { sleep, type Clock } from '../clock.ts';
import { PLACE_LOCK, tryLock } from './locks.ts';
import { END_EARLIER, KEEP_COMMITS, KEEPALIVES, pgParameters } from './session.ts';

export interface RegisterParts {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly instance: number;
  /** The journal's id. */
  readonly journal: string;
}

export type InstanceState = 'running' | 'draining' | 'stopped';

/** An instance and its journal, as they were at the journal's latest mark. */
export interface InstanceEntry {
  /** The journal's id, or LOST. */
  readonly journal: string;
  readonly mark: number;
  /** Payments in the ring. */
  readonly held: number;
  readonly state: InstanceState;
}

/** What all instances must agree on. */
interface LedgerIdentity {
  readonly ledgerId: string;
  readonly instances: number;
}

/** What the register has on this instance. */
export interface Registration extends LedgerIdentity {
  /** The number of instances is about to change: instances accept no payments from clients. */
  readonly drains: boolean;
  /** undefined if this instance never used this ledger. */
  readonly entry: InstanceEntry | undefined;
}

interface Row {
  readonly id: string;
  readonly instances: number;
  readonly drains: boolean;
  readonly journal: string | null;
  readonly mark: string;
  readonly held: string;
  readonly state: InstanceState;
}

/** Stands in the place of a journal's id when an operator has said that the journal is lost. */
export const LOST = 'lost';

export const isLost = ({ journal }: InstanceEntry): boolean => journal === LOST;

/** Tries while an earlier connection of this instance ends. */
const LOCK_TRIES = 25;
const LOCK_EVERY_MS = 20;

// A commit must survive a crash of PostgreSQL.
const SESSION = `${KEEP_COMMITS};${KEEPALIVES}`;

const TRY_LOCK = `SELECT ${tryLock(PLACE_LOCK)} AS got`;

const READ = `
  SELECT id::text, ledger.instances, drain_until > now() AS drains, journal, mark, held, state
  FROM ledger LEFT JOIN instances ON instance = $1`;

// Writes nothing if the ledger was replaced or its number of instances changed after the reading.
const WRITE = `
  INSERT INTO instances (instance, journal, mark, held, state)
  SELECT $1, $2, $3, $4, $5 FROM ledger WHERE id = $6 AND instances = $7 FOR SHARE
  ON CONFLICT (instance) DO UPDATE
  SET journal = excluded.journal, mark = excluded.mark, held = excluded.held, state = excluded.state
  WHERE instances.mark < excluded.mark
  RETURNING instance`;

export class Register {
  /** This connection has the lock on the place. */
  isLocked = false;
  readonly #parts: RegisterParts;
  #client: pg.Client | undefined;

  constructor(parts: RegisterParts) {
    this.#parts = parts;
  }

  /** undefined while the ledger has no id. @throws when the ledger can't be asked */
  async read(): Promise<Registration | undefined> {
    const [row] = await this.#query<Row>(READ, [this.#parts.instance]);
    if (row === undefined) return undefined;
    const { id, instances, drains, journal, mark, held, state } = row;
    const entry =
      journal === null ? undefined : { journal, mark: Number(mark), held: Number(held), state };
    return { ledgerId: id, instances, drains, entry };
  }

  /** Gives the ledger an id, unless it has one. @throws when the ledger can't be asked */
  async initialize(instances: number): Promise<void> {
    const text = 'INSERT INTO ledger (instances) VALUES ($1) ON CONFLICT DO NOTHING';
    await this.#query(text, [instances]);
  }

  /**
   * Tries to lock the place for half a second. Resolves with whether this connection has the lock.
   * With `endsEarlier`, other connections with the same journal are ended first.
   * @throws when the ledger can't be asked
   */
  async lock(endsEarlier: boolean): Promise<boolean> {
    if (endsEarlier) await this.#query(END_EARLIER, []);
    for (let tries = LOCK_TRIES; tries > 0; tries--) {
      const rows = await this.#query<{ got: boolean }>(TRY_LOCK, [this.#parts.instance]);
      if (rows[0]?.got === true) this.isLocked = true;
      if (this.isLocked || tries === 1) break;
      await sleep(this.#parts.clock, LOCK_EVERY_MS);
    }
    return this.isLocked;
  }

  /**
   * Resolves when the entry is committed; it must have a higher mark than the one before.
   * @throws without the lock, and when the entry may not be committed
   */
  async write(
    { journal, mark, held, state }: InstanceEntry,
    ledger: LedgerIdentity,
  ): Promise<void> {
    if (!this.isLocked) throw new Error('the lock is lost');
    const { instance } = this.#parts;
    const values = [instance, journal, mark, held, state, ledger.ledgerId, ledger.instances];
    const written = await this.#query<{ instance: number }>(WRITE, values);
    if (written.length !== 1) throw new Error('the register has changed');
  }

  /** Releases the lock. */
  close(): void {
    const client = this.#client;
    this.#client = undefined;
    this.isLocked = false;
    client?.end().catch(ignore);
  }

  async #query<R extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ): Promise<R[]> {
    const client = this.#client ?? (await this.#open());
    try {
      return (await client.query<R>(text, [...values])).rows;
    } catch (error) {
      // The connection and its lock survive a statement that is refused.
      const isRefused = error instanceof pg.DatabaseError && error.severity === 'ERROR';
      if (!isRefused && this.#client === client) this.close();
      throw error;
    }
  }

  async #open(): Promise<pg.Client> {
    const { url, timeoutMs, instance, journal } = this.#parts;
    const name = `repasse-instance-${instance}-${journal}`;
    const client = new pg.Client({ ...pgParameters({ url, name, timeoutMs }), keepAlive: true });
    const lose = (): void => {
      if (this.#client === client) this.close();
    };
    client.on('error', lose);
    client.on('end', lose);
    this.#client = client;
    try {
      await client.connect();
      await client.query(SESSION);
    } catch (error) {
      if (this.#client === client) this.close();
      throw error;
    }
    return client;
  }
}

/** The connection is abandoned: its failure changes nothing. */
function ignore(): void {}
