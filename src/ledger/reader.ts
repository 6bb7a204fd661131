// What the ledger does through `pg`: reading, making the tables, and the rare writing of anomalies.
// Every statement has a deadline.

import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Anomaly } from './anomaly.ts';
import {
  ACTIONS,
  ANOMALIES,
  GIVE_UP,
  RECORD_ACTION,
  type OperatorAction,
  type RecordedAction,
} from './operator-action.ts';
import type { GivenUp, LedgerEntry, ProcessorIndex } from '../payment.ts';
import { committed } from './committed.ts';
import { PURGE_IS_UNDER_WAY } from './purge.ts';
import { totalsOf, type Totals } from './range-totals.ts';
import { lacksInBackground, makeInBackground, makeSchema } from './schema.ts';
import { MS } from './sql-time.ts';
import { SEES_TOKEN, STANDBY_WAITED_FOR, pgParameters } from './session.ts';
import { settledPage, type PageWanted, type SettledPage } from './settled-page.ts';

/** Milliseconds since the epoch, both ends included. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A payment that an operator's repair wrote into the ledger. */
export interface Repair {
  readonly number: string;
  readonly correlationId: string;
}

interface FoundRow {
  readonly correlation_id: string;
  readonly processor: ProcessorIndex | null;
  readonly amount_cents: string;
  readonly may_be_charged: boolean | null;
  readonly ms: number;
}

/**
 * Connections for summaries, and as many for all else: a client may wait for what is asked about
 * its payment, and a long summary must not be in its way. More statements wait in the pool, with
 * the same deadline.
 */
const CONNECTIONS = 2;

const RECORD_ANOMALIES = `
  INSERT INTO anomalies (correlation_id, kind, accepted, charged, recorded, instance)
  SELECT "correlationId", kind, accepted, charged, recorded, $1
  FROM jsonb_to_recordset($2) AS found
    ("correlationId" uuid, kind text, accepted jsonb, charged jsonb, recorded jsonb)
  ON CONFLICT DO NOTHING`;

const FIND = `
  SELECT correlation_id, processor, amount_cents, NULL::boolean AS may_be_charged,
    ${MS('requested_at')} AS ms
  FROM payments WHERE correlation_id = ANY ($1::uuid[])
  UNION
  SELECT correlation_id, processor, amount_cents, NULL, ${MS('requested_at')}
  FROM archived_payments WHERE correlation_id = ANY ($1::uuid[])
  UNION
  SELECT correlation_id, processor, amount_cents, NULL, ${MS('requested_at')}
  FROM unnest($1::uuid[]) AS id CROSS JOIN LATERAL detached_payment(id)
  UNION ALL
  SELECT correlation_id, NULL, amount_cents, may_be_charged,
    ${MS('given_up_at')}
  FROM given_up WHERE correlation_id = ANY ($1::uuid[])`;

const SCHEMA = new URL('./schema.sql', import.meta.url);
/** Longer than the time between two summaries of a client that asks regularly. */
const IDLE_MS = 60_000;

export class LedgerReader {
  readonly #session: (name: string) => pg.ClientConfig;
  readonly #pool: pg.Pool;
  readonly #summaries: pg.Pool;
  #schemaClient: pg.Client | undefined;

  constructor(url: string, timeoutMs: number, onError: (error: Error) => void) {
    this.#session = (name) => pgParameters({ url, timeoutMs, name });
    const makePool = (): pg.Pool => {
      const pool = new pg.Pool({
        ...this.#session('repasse-reader'),
        max: CONNECTIONS,
        // A new backend and its first query plans cost far more than an idle one.
        idleTimeoutMillis: IDLE_MS,
      });
      pool.on('error', onError);
      // A connection that is lost while it is checked out: its next statement rejects.
      pool.on('connect', (client) => client.on('error', () => {}));
      return pool;
    };
    this.#pool = makePool();
    this.#summaries = makePool();
  }

  /** Runs the steps of the schema that the ledger lacks, and resolves with their numbers. */
  async ensureSchema(): Promise<number[]> {
    const schema = await readFile(SCHEMA, 'utf8');
    return this.#withClient((client) => makeSchema(client, schema));
  }

  /**
   * The same for the steps in the background, on a connection of their own; 'busy' while another
   * instance runs them.
   */
  async ensureInBackground(): Promise<number[] | 'busy'> {
    const schema = await readFile(SCHEMA, 'utf8');
    if (!(await this.#withClient((one) => lacksInBackground(one, schema)))) return [];
    const client = new pg.Client({ ...this.#session('repasse-schema'), keepAlive: true });
    // The statement under way rejects.
    client.on('error', () => {});
    this.#schemaClient = client;
    try {
      await client.connect();
      return await makeInBackground(client, schema);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Whether the connection that locked the token reaches the same database and the same tables. */
  async seesToken(token: string): Promise<boolean> {
    const { rows } = await this.#pool.query<{ seen: boolean }>(SEES_TOKEN, [token]);
    return rows[0]?.seen === true;
  }

  /** What each processor charged in the range: default first, fallback second. */
  totals(range: TimeRange): Promise<readonly [Totals, Totals]> {
    return totalsOf(this.#summaries, range);
  }

  /**
   * What the ledger has of `ids`; nothing for an id that is neither settled nor given up. What is
   * found is on the standby too, if commits wait for one.
   */
  async find(ids: readonly string[]): Promise<LedgerEntry[]> {
    const rows = await this.#withClient(async (client) => {
      const found = await client.query<FoundRow>({ name: 'find', text: FIND, values: [ids] });
      if (found.rowCount !== 0) await committed(client, STANDBY_WAITED_FOR);
      return found.rows;
    });
    return rows.map(({ correlation_id, processor, amount_cents, may_be_charged, ms }) => {
      const payment = { correlationId: correlation_id, amountCents: Number(amount_cents) };
      return processor === null
        ? { ...payment, givenUpAtMs: ms, mayBeCharged: may_be_charged === true }
        : { ...payment, processor, requestedAtMs: ms };
    });
  }

  /** The next ids that are settled or given up. */
  idsAfter(wanted: PageWanted): Promise<SettledPage> {
    return settledPage(this.#pool, wanted);
  }

  /** The next repairs of payments after the one with this number, in order, `most` at most. */
  async repairsAfter(number: string, most: number): Promise<readonly Repair[]> {
    const { rows } = await this.#pool.query<Repair>({
      name: 'repairs-after',
      text: `SELECT id::text AS number, correlation_id::text AS "correlationId"
             FROM operator_actions WHERE action = 'repair' AND id > $1 ORDER BY id LIMIT $2`,
      values: [number, most],
    });
    return rows;
  }

  /** Records anomalies that `instance` found. An anomaly that is in the table stays as it is. */
  async recordAnomalies(instance: number, anomalies: readonly Anomaly[]): Promise<void> {
    await this.#write(RECORD_ANOMALIES, [instance, JSON.stringify(anomalies)]);
  }

  async recordAction(action: OperatorAction): Promise<void> {
    const { action: name, correlationId, actor, reason, details } = action;
    await this.#write(RECORD_ACTION, [name, correlationId, actor, reason, JSON.stringify(details)]);
  }

  /** 'settled' if the ledger has the payment's row: then nothing is recorded. */
  async giveUp(payment: Omit<GivenUp, 'givenUpAtMs'>): Promise<'given up' | 'settled'> {
    const { correlationId, amountCents, mayBeCharged } = payment;
    const [row] = await this.#write<{ is_settled: boolean }>(GIVE_UP, [
      correlationId,
      amountCents,
      mayBeCharged,
    ]);
    return row?.is_settled === true ? 'settled' : 'given up';
  }

  /** The latest `most` actions of operators, newest first. */
  async actions(most: number): Promise<RecordedAction[]> {
    return (await this.#pool.query<RecordedAction>(ACTIONS, [most])).rows;
  }

  /** The latest `most` anomalies, newest first. */
  async anomalies(most: number): Promise<Record<string, unknown>[]> {
    return (await this.#pool.query<Record<string, unknown>>(ANOMALIES, [most])).rows;
  }

  /** Whether a purge may still empty the ledger. */
  async isBeingPurged(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ purging: boolean }>(PURGE_IS_UNDER_WAY);
    return rows[0]?.purging !== false;
  }

  async close(): Promise<void> {
    // A step that is under way is given up.
    await Promise.all([this.#pool.end(), this.#summaries.end(), this.#schemaClient?.end()]);
  }

  /** Resolves with the statement's rows once it is committed. */
  #write<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return this.#withClient((client) => committed<Row>(client, text, values));
  }

  /** Lends a connection. One that failed may have an open transaction: it is ended, not reused. */
  async #withClient<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failed = true;
    try {
      const result = await use(client);
      failed = false;
      return result;
    } finally {
      client.release(failed);
    }
  }
}
