// Where the ledger's sums are not those of its rows: in seconds, minutes, hours and days.

import { query } from './database.ts';

export interface WrongSum {
  readonly processor: 0 | 1;
  readonly seconds: number;
  readonly start: string;
  /** Payments/cents. */
  readonly counted: string;
  readonly summed: string;
}

export const wrongSumsOf = (url: string): Promise<WrongSum[]> =>
  query<WrongSum & Record<string, unknown>>(
    url,
    `WITH period (seconds, unit) AS (
       VALUES (1, 'second'), (60, 'minute'), (3600, 'hour'), (86400, 'day')
     ), counted AS (
       SELECT processor, seconds, date_trunc(unit, requested_at, 'UTC') AS start,
              count(*) AS payments, sum(amount_cents) AS cents
       FROM all_payments CROSS JOIN period GROUP BY 1, 2, 3
     ), summed AS (
       SELECT processor, seconds, start, sum(payments) AS payments, sum(amount_cents) AS cents
       FROM (
         SELECT processor, seconds, starts_at AS start, payments, amount_cents FROM payment_sums
         UNION ALL
         SELECT processor, seconds, date_trunc(unit, second, 'UTC'), payments, amount_cents
         FROM batch_sums CROSS JOIN period
       ) AS parts GROUP BY 1, 2, 3
     )
     SELECT processor, seconds, start::text,
            concat(counted.payments, '/', counted.cents) AS counted,
            concat(summed.payments, '/', summed.cents) AS summed
     FROM counted FULL JOIN summed USING (processor, seconds, start)
     WHERE (coalesce(counted.payments, 0), coalesce(counted.cents, 0))
        <> (coalesce(summed.payments, 0), coalesce(summed.cents, 0))`,
  );
