// A batch: rows of one processor, as the parameters of one statement.

import type { LedgerRow, ProcessorIndex } from '../payment.ts';
import { TIME } from './sql-time.ts';

export interface Batch {
  readonly processor: ProcessorIndex;
  readonly rows: number;
  /** Three parallel arrays in PostgreSQL's text form: ids, cents, milliseconds since the epoch. */
  readonly ids: string;
  readonly amountCents: string;
  readonly requestedAtMs: string;
}

/** A younger row can't be archived: some days less than ARCHIVED_DAYS (archive-months.ts). */
const YOUNG_DAYS = 30;

/** @throws if `rows` is empty, or its rows are not of one processor */
export function batchOf(rows: readonly LedgerRow[]): Batch {
  const [first] = rows;
  if (first === undefined) throw new Error('an empty batch');
  let ids = '';
  let amountCents = '';
  let requestedAtMs = '';
  for (const row of rows) {
    if (row.processor !== first.processor) throw new Error('a batch of two processors');
    ids += `,${row.correlationId}`;
    amountCents += `,${row.amountCents}`;
    requestedAtMs += `,${row.requestedAtMs}`;
  }
  return {
    processor: first.processor,
    rows: rows.length,
    ids: `{${ids.slice(1)}}`,
    amountCents: `{${amountCents.slice(1)}}`,
    requestedAtMs: `{${requestedAtMs.slice(1)}}`,
  };
}

/**
 * $1 processor, $2 ids, $3 cents, $4 milliseconds; returns the number of rows inserted. Running it
 * again changes nothing, even if its rows were archived meanwhile: only the rows that this run
 * inserted are summed. Ids are inserted in their order, so two connections can't deadlock on rows;
 * sums are appended, which locks nothing.
 */
export const RECORD_BATCH = `
  WITH recorded AS (
    INSERT INTO payments (correlation_id, processor, amount_cents, requested_at)
    SELECT id, $1::smallint, cents, at
    FROM (
      SELECT id, cents, ${TIME('ms')} AS at
      FROM unnest($2::uuid[], $3::bigint[], $4::float8[]) AS sent (id, cents, ms)
    ) AS batch
    WHERE CASE WHEN at < now() - interval '${YOUNG_DAYS} days' THEN NOT is_archived(id, at)
      ELSE true END
    ORDER BY id
    ON CONFLICT (correlation_id) DO NOTHING
    RETURNING amount_cents, requested_at
  ), summed AS (
    INSERT INTO batch_sums (processor, second, payments, amount_cents)
    SELECT $1::smallint, date_trunc('second', requested_at), count(*), sum(amount_cents)
    FROM recorded GROUP BY 2
  )
  SELECT count(*)::int AS inserted FROM recorded`;
