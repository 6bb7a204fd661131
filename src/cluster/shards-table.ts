// The table of shards, over a connection of its own: who runs which shard, since when, and where
// it is reached.
//
// A heartbeat needs no standby: if it is lost in a failover of the database, the next one follows.
// So the connection commits without waiting for one (synchronous_commit=local), and a heartbeat
// goes on while the journal waits for a standby.

import type pg from 'pg';
import type { Clock } from '../clock.ts';
import { QUICK_KEEPALIVES } from '../ledger/session.ts';
import type { DatabaseClient, NewClient } from './database-client.ts';

/** What the table says. */
export interface Shards {
  readonly rows: readonly ShardRow[];
  /** Whether a commit waits for a standby: synchronous_standby_names isn't empty. */
  readonly hasStandby: boolean;
  /** How many shards the ledger is for; undefined until a shard was taken. */
  readonly registered: number | undefined;
}

/** A shard and its owner. */
export interface ShardRow {
  readonly shard: number;
  readonly epoch: number;
  /** host:port; '' if nobody reaches it. */
  readonly address: string;
  /** The owner's latest one, on the database's clock; '-infinity' without an owner. */
  readonly heartbeat: string;
}

/**
 * One owner's time with a shard. The epoch alone could be that of another owner: a restored table
 * has an older one, and one that was emptied begins anew.
 */
export interface Tenure {
  readonly shard: number;
  readonly epoch: number;
  /** Another text each time that a process takes a shard. */
  readonly owner: string;
}

export interface ShardsTableParts {
  readonly newClient: NewClient;
  readonly clock: Clock;
  readonly shards: number;
  /** A shard has another owner now. */
  readonly onNews: () => void;
}

/** Why commits are not safe from the loss of a host. */
export const ONE_DISK =
  'synchronous_standby_names is empty: a commit waits for no standby, and is on one disk';
export const CHANNEL = 'repasse_shards';

const SESSION = `
  SET synchronous_commit = local;${QUICK_KEEPALIVES};
  LISTEN ${CHANNEL}`;

const READ = `
  SELECT shard, epoch::text, address, heartbeat_at::text AS heartbeat,
    current_setting('synchronous_standby_names') <> '' AS has_standby,
    (SELECT instances FROM ledger) AS registered
  FROM shards WHERE shard < $1 ORDER BY shard`;

const MAKE_ROWS = `
  INSERT INTO shards (shard) SELECT generate_series(0, $1::int - 1) ON CONFLICT DO NOTHING`;

/** The row of a tenure that is the latest one, with the values of `tenureValues`. */
const LATEST = 'shard = $1 AND epoch = $2 AND owner = $3';

export const BEAT = `
  UPDATE shards SET heartbeat_at = clock_timestamp() WHERE ${LATEST} RETURNING shard`;

/** A row if no other process has followed. */
export const IS_LATEST = `SELECT FROM shards WHERE ${LATEST}`;

const RELEASE = `
  WITH released AS (
    UPDATE shards SET heartbeat_at = '-infinity', address = '' WHERE ${LATEST} RETURNING shard
  )
  SELECT pg_notify('${CHANNEL}', shard::text) FROM released`;

export class ShardsTable {
  /** When the connection was made, by the clock's elapsed time; undefined without one. */
  connectedAtMs: number | undefined;
  readonly #parts: ShardsTableParts;
  #client: DatabaseClient | undefined;
  #onNextNews: () => void = ignore;
  /** The latest statement on the connection: `pg` takes the next one when it has ended. */
  #latest: Promise<unknown> = Promise.resolve();

  constructor(parts: ShardsTableParts) {
    this.#parts = parts;
  }

  /** Adds the rows that are missing. @throws when the database can't be asked */
  async makeRows(): Promise<void> {
    await this.#query(MAKE_ROWS, [this.#parts.shards]);
  }

  /** All shards in order. @throws when the database can't be asked */
  async read(): Promise<Shards> {
    interface Row {
      readonly shard: number;
      readonly epoch: string;
      readonly address: string;
      readonly heartbeat: string;
      readonly has_standby: boolean;
      readonly registered: number | null;
    }
    const found = await this.#query<Row>(READ, [this.#parts.shards]);
    const rows = found.map(({ shard, epoch, address, heartbeat }) => ({
      shard,
      epoch: Number(epoch),
      address,
      heartbeat,
    }));
    const hasStandby = found.every(({ has_standby: isThere }) => isThere);
    return { rows, hasStandby, registered: found[0]?.registered ?? undefined };
  }

  /** Resolves when a shard next gets another owner, or none. For one caller at a time. */
  nextNews(): Promise<void> {
    return new Promise((resolve) => {
      this.#onNextNews = resolve;
    });
  }

  /** Whether no other process has followed. @throws when the database can't be asked */
  async beat(tenure: Tenure): Promise<boolean> {
    return (await this.#query(BEAT, tenureValues(tenure))).length === 1;
  }

  /** The same, and no beat. @throws when the database can't be asked */
  async isLatest(tenure: Tenure): Promise<boolean> {
    return (await this.#query(IS_LATEST, tenureValues(tenure))).length === 1;
  }

  /** Nobody runs the shard from now on. @throws when the database can't be asked */
  async release(tenure: Tenure): Promise<void> {
    await this.#query(RELEASE, tenureValues(tenure));
  }

  close(): void {
    const client = this.#client;
    this.#client = undefined;
    this.connectedAtMs = undefined;
    client?.end().catch(ignore);
  }

  #query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<R[]> {
    const result = this.#latest.then(() => this.#run<R>(text, values));
    this.#latest = result.catch(ignore);
    return result;
  }

  async #run<R extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<R[]> {
    const client = this.#client ?? (await this.#open());
    try {
      return (await client.query<R>(text, [...values])).rows;
    } catch (error) {
      if (this.#client === client) this.close();
      throw error;
    }
  }

  async #open(): Promise<DatabaseClient> {
    const { newClient, clock, onNews } = this.#parts;
    const client = newClient('repasse-shards');
    const lose = (): void => {
      if (this.#client === client) this.close();
    };
    client.on('error', lose);
    client.on('end', lose);
    client.on('notification', () => {
      onNews();
      this.#onNextNews();
    });
    try {
      await client.connect();
      await client.query(SESSION);
    } catch (error) {
      client.end().catch(ignore);
      throw error;
    }
    this.#client = client;
    this.connectedAtMs = clock.elapsed();
    return client;
  }
}

export function tenureValues({ shard, epoch, owner }: Tenure): readonly unknown[] {
  return [shard, epoch, owner];
}

/** The connection is abandoned: its failure changes nothing. */
function ignore(): void {}
