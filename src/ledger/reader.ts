// Reads of the ledger, its making, and the rare writing of anomalies, through `pg`. Every statement
// has a deadline.

import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Anomaly } from '../anomaly.ts';
import type { LedgerRow, ProcessorIndex } from '../payment.ts';
import { PURGE_IS_UNDER_WAY } from './purge.ts';
import { makeSchema } from './schema.ts';
import { KEEP_COMMITS, SEES_MARK, pgParameters } from './session.ts';

/** Counts and cents of one processor; cents as text, since a sum may exceed a safe integer. */
export interface Totals {
  readonly payments: string;
  readonly amountCents: string;
}

/** Milliseconds since the epoch, both ends included. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Some statements at once are enough: the rest waits in the pool, with the same deadline. */
const CONNECTIONS = 4;

// Whole seconds come from the sums per second; what sticks out at either end from the rows. A range within one second has no
// whole second in it: then `whole_to` lies before `whole_from` and the rows give all of it.
const TOTALS = `
  WITH bounds AS (
    SELECT to_timestamp($1::float8 / 1000)::timestamptz(3) AS lower,
           to_timestamp($2::float8 / 1000)::timestamptz(3) AS upper,
           to_timestamp(ceil($1::float8 / 1000)) AS whole_from,
           to_timestamp(floor(($2::float8 + 1) / 1000)) AS whole_to
  ), parts AS (
    SELECT processor, payments, amount_cents FROM payments_per_second, bounds
    WHERE second >= whole_from AND second < whole_to
    UNION ALL
    SELECT processor, 1, payments.amount_cents FROM payments, bounds
    WHERE requested_at >= lower AND requested_at <= upper AND requested_at < whole_from
    UNION ALL
    SELECT processor, 1, payments.amount_cents FROM payments, bounds
    WHERE requested_at >= greatest(whole_from, whole_to) AND requested_at <= upper
  )
  SELECT processor, sum(payments)::text AS payments, sum(amount_cents)::text AS amount_cents
  FROM parts GROUP BY processor`;

const RECORD_ANOMALIES = `
  INSERT INTO anomalies (correlation_id, kind, accepted, charged, recorded, instance)
  SELECT "correlationId", kind, accepted, charged, recorded, $1
  FROM jsonb_to_recordset($2) AS found
    ("correlationId" uuid, kind text, accepted jsonb, charged jsonb, recorded jsonb)
  ON CONFLICT DO NOTHING`;

/** Longer than between two summaries of someone who asks regularly. */
const IDLE_MS = 60_000;

export class LedgerReader {
  readonly #pool: pg.Pool;

  constructor(url: string, timeoutMs: number, onTrouble: (error: Error) => void) {
    this.#pool = new pg.Pool({
      ...pgParameters({ url, timeoutMs, name: 'repasse-reader' }),
      max: CONNECTIONS,
      // A new backend and its first plans cost far more than a kept one.
      idleTimeoutMillis: IDLE_MS,
    });
    this.#pool.on('error', onTrouble);
    // One that is lost while it is somebody's: the statement that meets it says so.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Makes what is missing of the tables; resolves with the steps that it took. */
  async ensureSchema(path: URL): Promise<number[]> {
    const schema = await readFile(path, 'utf8');
    const client = await this.#pool.connect();
    let failed = true;
    try {
      const steps = await makeSchema(client, schema);
      failed = false;
      return steps;
    } finally {
      // One that failed may be in the middle of a transaction.
      client.release(failed);
    }
  }

  /** Whether the connection that left this mark is to the same database and the same tables. */
  async sees(mark: string): Promise<boolean> {
    const { rows } = await this.#pool.query<{ seen: boolean }>(SEES_MARK, [mark]);
    return rows[0]?.seen === true;
  }

  /** What each processor was charged with in the range: default first, fallback second. */
  async totals({ fromMs, toMs }: TimeRange): Promise<readonly [Totals, Totals]> {
    const result = await this.#pool.query<{
      processor: ProcessorIndex;
      payments: string;
      amount_cents: string;
    }>({ name: 'totals', text: TOTALS, values: [fromMs, toMs] });
    const of = (processor: ProcessorIndex): Totals => {
      const row = result.rows.find((candidate) => candidate.processor === processor);
      return { payments: row?.payments ?? '0', amountCents: row?.amount_cents ?? '0' };
    };
    return [of(0), of(1)];
  }

  /** The rows of those among `ids` that are settled. */
  async find(ids: readonly string[]): Promise<LedgerRow[]> {
    const result = await this.#pool.query<{
      correlation_id: string;
      processor: ProcessorIndex;
      amount_cents: string;
      ms: number;
    }>({
      name: 'find',
      text: `SELECT correlation_id, processor, amount_cents, (extract(epoch FROM requested_at) * 1000)::float8 AS ms
             FROM payments WHERE correlation_id = ANY ($1::uuid[])`,
      values: [ids],
    });
    return result.rows.map((row) => ({
      correlationId: row.correlation_id,
      processor: row.processor,
      amountCents: Number(row.amount_cents),
      requestedAtMs: row.ms,
    }));
  }

  /** The next `most` settled ids after `id`, in order of the id. */
  async idsAfter(id: string, most: number): Promise<string[]> {
    const result = await this.#pool.query<{ correlation_id: string }>({
      name: 'ids-after',
      text: 'SELECT correlation_id FROM payments WHERE correlation_id > $1 ORDER BY correlation_id LIMIT $2',
      values: [id, most],
    });
    return result.rows.map((row) => row.correlation_id);
  }

  /** Found by this instance. One that is there already stays as it is. */
  async recordAnomalies(instance: number, anomalies: readonly Anomaly[]): Promise<void> {
    const client = await this.#pool.connect();
    let failed = true;
    try {
      // Not with each connection: a summary would wait for it.
      await client.query(KEEP_COMMITS);
      await client.query(RECORD_ANOMALIES, [instance, JSON.stringify(anomalies)]);
      failed = false;
    } finally {
      client.release(failed);
    }
  }

  /** Whether a purge may still empty the ledger. */
  async isBeingPurged(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ purging: boolean }>(PURGE_IS_UNDER_WAY);
    return rows[0]?.purging !== false;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
