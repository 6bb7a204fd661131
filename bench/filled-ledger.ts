// A ledger that is filled at once with settled payments, as writers and folding leave it.

import { query } from '../test/world/database.ts';

export interface Filling {
  readonly payments: number;
  /** They are spread evenly over this time, ms since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Rows of one statement. */
  readonly chunk: number;
  /** Called with how many there are, after each statement. */
  readonly onChunk?: (done: number) => void;
}

/** Rows as writers leave them, in the order of their time, and the sums as folding leaves them. */
export async function fillLedger(
  url: string,
  { payments, fromMs, toMs, chunk, onChunk = () => {} }: Filling,
): Promise<void> {
  for (let done = 0; done < payments; done += chunk) {
    const end = Math.min(done + chunk, payments);
    await query(
      url,
      `INSERT INTO payments
       SELECT gen_random_uuid(), n % 5 / 4, 1990,
              to_timestamp(($1::float8 + n::float8 * $2::float8 / $3::float8) / 1000)
       FROM generate_series($4::bigint, $5::bigint) AS n`,
      [fromMs, toMs - fromMs, payments, done, end - 1],
    );
    onChunk(end);
  }
  await query(
    url,
    `INSERT INTO payment_sums
     SELECT period.seconds, date_trunc(period.unit, requested_at, 'UTC'), processor, count(*),
            sum(amount_cents)
     FROM payments CROSS JOIN (
       VALUES (1, 'second'), (60, 'minute'), (3600, 'hour'), (86400, 'day')
     ) AS period (seconds, unit) GROUP BY 1, 2, 3`,
  );
  await query(url, 'VACUUM ANALYZE payments, payment_sums');
}
