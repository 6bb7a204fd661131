// Leader election among the instances, and notifications to all of them, over a connection of its
// own: the leader is the instance that has an advisory lock; LISTEN and NOTIFY carry the
// notifications. While the database is away no instance leads and no notification arrives; both
// come back without help. The leader folds the sums (fold-sums.ts).

import pg from 'pg';
import type { Clock, Timer } from '../clock.ts';
import { FOLD_SUMS } from './fold-sums.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import { LEADER_LOCK, tryLock } from './locks.ts';
import { KEEPALIVES, pgParameters } from './session.ts';

export interface LeaderElectionParts {
  readonly url: string;
  /** The instance and its journal. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const CHANNEL = 'repasse_news';
const RETRY_MS = 1_000;
// A fold that is lost in a crash is made again, so its commit waits for no disk. A table that is
// locked must not hold up notifications.
const FOLD_LIGHTLY = "SET synchronous_commit = off; SET lock_timeout = '100ms'";

export class LeaderElection {
  /** When this instance began to lead, by the clock's elapsed time; undefined while it doesn't. */
  leadingSinceMs: number | undefined;
  readonly #parts: LeaderElectionParts;
  #onNotification: (payload: string) => void = ignore;
  #client: pg.Client | undefined;
  /** The latest statement on the connection: `pg` takes the next one when it has ended. */
  #latest: Promise<unknown> = Promise.resolve();
  #retry: Timer | undefined;
  readonly #unfolded = new Condition();
  #closed = false;

  constructor(parts: LeaderElectionParts) {
    this.#parts = parts;
  }

  /** `onNotification` gets each published payload, also of this instance. */
  start(onNotification: (payload: string) => void): void {
    this.#onNotification = onNotification;
    this.#reopen();
  }

  /**
   * Sends the payload to all instances, this one included. It is lost while the database is away.
   * PostgreSQL takes less than 8,000 bytes.
   */
  publish(payload: string): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#query(client, 'SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch(() =>
      this.#lose(client),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.leadingSinceMs = undefined;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(ignore);
  }

  #reopen(): void {
    this.#open().catch(() => this.#lose());
  }

  async #open(): Promise<void> {
    const { url, timeoutMs, name } = this.#parts;
    const session = pgParameters({ url, timeoutMs, name: `repasse-leader-election-${name}` });
    const client = new pg.Client({ ...session, keepAlive: true });
    this.#client = client;
    client.on('error', () => this.#lose(client));
    client.on('end', () => this.#lose(client));
    client.on('notification', ({ payload }) => this.#onNotification(payload ?? ''));
    this.#latest = client.connect();
    await this.#query(client, `${KEEPALIVES}; ${FOLD_LIGHTLY}; LISTEN ${CHANNEL}`);
    await this.#lead(client);
  }

  /** Tries for the lead every second. Once it leads, it folds, which shows a lost connection. */
  async #lead(client: pg.Client): Promise<void> {
    if (this.#closed || client !== this.#client) return;
    if (this.leadingSinceMs === undefined) {
      const { rows } = await this.#query(client, `SELECT ${tryLock(LEADER_LOCK)} AS led`);
      if (rows[0]?.['led'] === true) this.leadingSinceMs = this.#parts.clock.elapsed();
    } else {
      await this.#fold(client);
    }
    this.#retry = this.#parts.clock.after(RETRY_MS, () => {
      this.#lead(client).catch(() => this.#lose(client));
    });
  }

  /** Rejects only if the connection fails. */
  async #fold(client: pg.Client): Promise<void> {
    const { log, clock } = this.#parts;
    const failure = await this.#query(client, FOLD_SUMS).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof pg.DatabaseError) return error;
        throw error;
      },
    );
    const isLogged = this.#unfolded.update(failure !== undefined, clock.elapsed());
    if (isLogged === undefined) return;
    if (failure === undefined) log.info('sums folded again', isLogged);
    else log.warn('sums not folded', { ...isLogged, message: failure.message });
  }

  #query(
    client: pg.Client,
    text: string,
    values: readonly string[] = [],
  ): Promise<pg.QueryResult<Record<string, unknown>>> {
    const result = this.#latest.then(() => client.query(text, [...values]));
    this.#latest = result.catch(ignore);
    return result;
  }

  #lose(client: pg.Client | undefined = this.#client): void {
    // An abandoned connection may end long after the next one has begun.
    if (client === undefined || client !== this.#client || this.#closed) return;
    this.#client = undefined;
    this.leadingSinceMs = undefined;
    client.end().catch(ignore);
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(RETRY_MS, () => this.#reopen());
  }
}

/** The connection is abandoned: its failure changes nothing. */
function ignore(): void {}
