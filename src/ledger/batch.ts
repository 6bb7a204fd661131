// A batch: some rows of one processor, as the parameters of one statement.

import type { LedgerRow, ProcessorIndex } from '../payment.ts';

export interface Batch {
  readonly processor: ProcessorIndex;
  readonly rows: number;
  /** Three parallel arrays in PostgreSQL's text form: ids, cents, milliseconds since the epoch. */
  readonly ids: string;
  readonly amountCents: string;
  readonly requestedAtMs: string;
}

/** `rows` is not empty and all of it is of one processor. */
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
 * $1 processor, $2 ids, $3 cents, $4 milliseconds. Running it again changes nothing: the sums per
 * second grow only by the rows that this run really inserted, and it tells how many these are. Ids
 * are inserted in their order and sums grow in the order of time, so that two connections can't
 * deadlock on either.
 */
export const RECORD_BATCH = `
  WITH recorded AS (
    INSERT INTO payments (correlation_id, processor, amount_cents, requested_at)
    SELECT id, $1::smallint, cents, to_timestamp(ms / 1000)
    FROM unnest($2::uuid[], $3::bigint[], $4::float8[]) AS batch (id, cents, ms)
    ORDER BY id
    ON CONFLICT (correlation_id) DO NOTHING
    RETURNING amount_cents, requested_at
  ), summed AS (
    INSERT INTO payments_per_second AS sums (processor, second, payments, amount_cents)
    SELECT $1::smallint, date_trunc('second', requested_at), count(*), sum(amount_cents)
    FROM recorded GROUP BY 2 ORDER BY 2
    ON CONFLICT (second, processor) DO UPDATE
    SET payments = sums.payments + excluded.payments,
        amount_cents = sums.amount_cents + excluded.amount_cents
  )
  SELECT count(*)::int AS inserted FROM recorded`;
