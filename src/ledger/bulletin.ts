// One leader among the instances, and news from it to all: a connection of its own with an advisory lock, LISTEN and NOTIFY.
// Without the database nobody leads and there is no news; it comes back by itself.

import pg from 'pg';
import type { Clock, Timer } from '../clock.ts';
import { pgParameters } from './session.ts';

export interface BulletinParts {
  readonly url: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onNews: (text: string) => void;
}

const CHANNEL = 'repasse_news';
/** Any number that no other program's lock has. */
const LOCK = 7_200_326;
const RETRY_MS = 1_000;

export class Bulletin {
  /** Since when this instance leads, by the clock's elapsed time; undefined while it doesn't. */
  leadingSinceMs: number | undefined;
  readonly #parts: BulletinParts;
  #client: pg.Client | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(parts: BulletinParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#open().catch(() => this.#lose());
  }

  /** Told to all instances, this one included. Lost while the database is away. */
  publish(text: string): void {
    const client = this.#client;
    client?.query('SELECT pg_notify($1, $2)', [CHANNEL, text]).catch(() => this.#lose());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.leadingSinceMs = undefined;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(ignore);
  }

  async #open(): Promise<void> {
    const { url, timeoutMs, onNews } = this.#parts;
    const session = pgParameters({ url, timeoutMs, name: 'repasse-bulletin' });
    const client = new pg.Client({ ...session, keepAlive: true });
    this.#client = client;
    client.on('error', () => this.#lose(client));
    client.on('end', () => this.#lose(client));
    client.on('notification', ({ payload }) => onNews(payload ?? ''));
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    await this.#lead(client);
  }

  /** Asks again and again: the leader may go. It also finds out that the connection is dead. */
  async #lead(client: pg.Client): Promise<void> {
    if (this.#closed || client !== this.#client) return;
    if (this.leadingSinceMs === undefined) {
      const { rows } = await client.query<{ led: boolean }>(
        `SELECT pg_try_advisory_lock(${LOCK}) AS led`,
      );
      if (rows[0]?.led === true) this.leadingSinceMs = this.#parts.clock.elapsed();
    } else {
      await client.query('SELECT 1');
    }
    this.#retry = this.#parts.clock.after(RETRY_MS, () => {
      this.#lead(client).catch(() => this.#lose(client));
    });
  }

  #lose(client = this.#client): void {
    // One that was given up on may end long after its successor has begun.
    if (client === undefined || client !== this.#client || this.#closed) return;
    this.#client = undefined;
    this.leadingSinceMs = undefined;
    client.end().catch(ignore);
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(RETRY_MS, () => this.start());
  }
}

/** A connection that is given up on anyway. */
function ignore(): void {}
