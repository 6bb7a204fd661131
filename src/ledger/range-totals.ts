// What each processor charged in a range: one statement, and so one moment, over the sums of whole
// periods, the sums that are not folded yet, and the rows of the parts of a second at both ends.

import type pg from 'pg';
import type { ProcessorIndex } from '../payment.ts';
import type { TimeRange } from './reader.ts';
import { TIME } from './sql-time.ts';
import { splitRange } from './sum-periods.ts';

/** What one processor charged. Digits as text, since a sum may exceed a safe integer. */
export interface Totals {
  readonly payments: string;
  readonly amountCents: string;
}

/** An end of the range is within a second whose rows are detached (detach.ts). */
export class RowsDetached extends Error {
  readonly end: 'from' | 'to';

  constructor(end: 'from' | 'to') {
    super(`the rows of the second of "${end}" are detached`);
    this.end = end;
  }
}

/** In the place of a processor; the edge's begin is in the place of the cents. */
const NO_ROWS = -1;

// LATERAL with OFFSET 0: an index scan for each part of the range, whatever the planner knows of
// the tables' sizes.
const TOTALS = `
  SELECT processor, sum(payments)::text AS payments, sum(amount_cents)::text AS amount_cents
  FROM (
    SELECT sums.processor, sums.payments, sums.amount_cents
    FROM unnest($1::int[], $2::float8[], $3::float8[]) AS part (seconds, lower, upper)
    CROSS JOIN LATERAL (
      SELECT processor, payments, amount_cents FROM payment_sums
      WHERE seconds = part.seconds AND starts_at >= to_timestamp(part.lower)
        AND starts_at < to_timestamp(part.upper)
      OFFSET 0
    ) AS sums
    UNION ALL
    SELECT processor, payments, amount_cents FROM batch_sums
    WHERE second >= to_timestamp($4) AND second < to_timestamp($5)
    UNION ALL
    SELECT edge_rows.processor, 1, edge_rows.amount_cents
    FROM unnest($6::float8[], $7::float8[]) AS edge (lower, upper)
    CROSS JOIN LATERAL (
      SELECT processor, amount_cents FROM payments
      WHERE requested_at >= ${TIME('edge.lower')} AND requested_at <= ${TIME('edge.upper')}
      OFFSET 0
    ) AS edge_rows
    UNION ALL
    SELECT archived.processor, 1, archived.amount_cents
    FROM unnest($6::float8[], $7::float8[]) AS edge (lower, upper)
    CROSS JOIN LATERAL archived_between(${TIME('edge.lower')}, ${TIME('edge.upper')}) AS archived
    UNION ALL
    SELECT ${NO_ROWS}, 1, edge.lower::bigint
    FROM unnest($6::float8[], $7::float8[]) AS edge (lower, upper) JOIN detached_months
    ON starts_at <= ${TIME('edge.upper')} AND ends_at > ${TIME('edge.lower')}
  ) AS parts
  GROUP BY processor`;

interface TotalsRow {
  readonly processor: ProcessorIndex | typeof NO_ROWS;
  readonly payments: string;
  readonly amount_cents: string;
}

/** Default first, fallback second. @throws RowsDetached */
export async function totalsOf(
  queries: Pick<pg.Pool, 'query'>,
  range: TimeRange,
): Promise<readonly [Totals, Totals]> {
  const { periods, fromS, toS, edges } = splitRange(range);
  const { rows } = await queries.query<TotalsRow>({
    name: 'totals',
    text: TOTALS,
    values: [
      periods.map(({ period }) => period),
      periods.map((part) => part.fromS),
      periods.map((part) => part.toS),
      fromS,
      toS,
      edges.map(({ fromMs }) => fromMs),
      edges.map(({ toMs }) => toMs),
    ],
  });
  const detached = rows.find(({ processor }) => processor === NO_ROWS);
  if (detached !== undefined) {
    const isAtBegin = detached.amount_cents === String(range.fromMs) && range.fromMs % 1_000 !== 0;
    throw new RowsDetached(isAtBegin ? 'from' : 'to');
  }
  const of = (processor: ProcessorIndex): Totals => {
    const row = rows.find((candidate) => candidate.processor === processor);
    return { payments: row?.payments ?? '0', amountCents: row?.amount_cents ?? '0' };
  };
  return [of(0), of(1)];
}
