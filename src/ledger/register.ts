// The register of instances in the ledger: the ledger's identity, the number of instances, and each
// one's journal. An instance has a connection of its own for it, with a lock on its place: whoever
// has the lock is the only one there.

import pg from 'pg';
import { sleep, type Clock } from '../clock.ts';
import { END_EARLIER, KEEP_COMMITS, pgParameters } from './session.ts';

export interface RegisterParts {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly instance: number;
  /** Of the journal, which no other copy of this instance has. */
  readonly journal: string;
}

/** What the journal of an instance was at its latest mark. */
export interface Entry {
  readonly journal: string;
  readonly mark: number;
  readonly held: number;
  readonly state: State;
}

type State = 'running' | 'draining' | 'stopped';

/** What all instances must agree on. */
export interface Shared {
  readonly ledgerId: string;
  readonly instances: number;
}

/** What the ledger has on an instance. */
export interface Registered extends Shared {
  /** The number of instances is about to change. */
  readonly drains: boolean;
  /** Where this instance was ever here. */
  readonly entry: Entry | undefined;
}

interface Row {
  readonly id: string;
  readonly instances: number;
  readonly drains: boolean;
  readonly journal: string | null;
  readonly mark: string;
  readonly held: string;
  readonly state: State;
}

/**
 * The first half of the lock's key; any number that no other program's lock has. The second half is
 * the instance.
 */
export const PLACE_LOCK = 7_200_328;
/** For an earlier connection of this instance to end. */
const LOCK_TRIES = 25;
const LOCK_EVERY_MS = 20;

// What is written here must not be lost with PostgreSQL's process; and a machine that vanished must
// not keep the lock for hours.
const SESSION = `
  ${KEEP_COMMITS}; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3`;

const READ = `
  SELECT id::text, ledger.instances, drain_until > now() AS drains, journal, mark, held, state
  FROM ledger LEFT JOIN instances ON instance = $1`;

// Not where the ledger is another one, or for another number of instances, since it was read.
const WRITE = `
  INSERT INTO instances (instance, journal, mark, held, state)
  SELECT $1, $2, $3, $4, $5 FROM ledger WHERE id = $6 AND instances = $7 FOR SHARE
  ON CONFLICT (instance) DO UPDATE
  SET journal = excluded.journal, mark = excluded.mark, held = excluded.held, state = excluded.state
  WHERE instances.mark < excluded.mark
  RETURNING instance`;

export class Register {
  /** The lock on our place is ours. */
  isLocked = false;
  readonly #parts: RegisterParts;
  #client: pg.Client | undefined;

  constructor(parts: RegisterParts) {
    this.#parts = parts;
  }

  /** undefined where the ledger has no identity. @throws when the ledger can't be asked */
  async read(): Promise<Registered | undefined> {
    const [row] = await this.#query<Row>(READ, [this.#parts.instance]);
    if (row === undefined) return undefined;
    const { id, instances, drains, journal, mark, held, state } = row;
    const entry =
      journal === null ? undefined : { journal, mark: Number(mark), held: Number(held), state };
    return { ledgerId: id, instances, drains, entry };
  }

  /** Gives the ledger an identity, unless it has one. @throws when the ledger can't be asked */
  async begin(instances: number): Promise<void> {
    const text = 'INSERT INTO ledger (instances) VALUES ($1) ON CONFLICT DO NOTHING';
    await this.#query(text, [instances]);
  }

  /**
   * Whether the lock on our place is ours, within a moment. `endsEarlier` ends other connections
   * with our journal first.
   * @throws when the ledger can't be asked
   */
  async lock(endsEarlier: boolean): Promise<boolean> {
    if (endsEarlier) await this.#query(END_EARLIER, []);
    for (let tries = LOCK_TRIES; tries > 0; tries--) {
      const text = 'SELECT pg_try_advisory_lock($1, $2) AS got';
      const rows = await this.#query<{ got: boolean }>(text, [PLACE_LOCK, this.#parts.instance]);
      if (rows[0]?.got === true) this.isLocked = true;
      if (this.isLocked || tries === 1) break;
      await sleep(this.#parts.clock, LOCK_EVERY_MS);
    }
    return this.isLocked;
  }

  /** Committed when it resolves. Only with the lock. @throws when it may not be */
  async write({ journal, mark, held, state }: Entry, ledger: Shared): Promise<void> {
    if (!this.isLocked) throw new Error('the lock is lost');
    const { instance } = this.#parts;
    const values = [instance, journal, mark, held, state, ledger.ledgerId, ledger.instances];
    const written = await this.#query<{ instance: number }>(WRITE, values);
    if (written.length !== 1) throw new Error('the register has changed');
  }

  /** Lets go of the lock. */
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
      // A statement that is refused leaves the connection, and with it the lock.
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

/** A connection that is given up on anyway. */
function ignore(): void {}
