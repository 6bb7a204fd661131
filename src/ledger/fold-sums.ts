// Folding: the sums of batches become part of the sums of their second, minute, hour and day.
//
// Writers only append to `batch_sums`, so none waits for another one. Folding moves rows from there
// in one statement. So at each moment a payment is in one of the two, and a late row, a repair or a
// second process that folds at the same time changes nothing about that.

import { PERIOD_START } from './sql-time.ts';
import { PERIODS } from './sum-periods.ts';

/** Rows of one statement: some 50 ms. With one each second, more than writers append. */
const ROWS_MAX = 20_000;

const PERIOD_LIST = PERIODS.map((seconds) => `(${seconds})`).join(', ');

export const FOLD_SUMS = `
  WITH folded AS (
    DELETE FROM batch_sums WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch_sums LIMIT ${ROWS_MAX}))
    RETURNING processor, second, payments, amount_cents
  )
  INSERT INTO payment_sums AS sums (seconds, starts_at, processor, payments, amount_cents)
  SELECT seconds, to_timestamp(${PERIOD_START('second')}), processor, sum(payments), sum(amount_cents)
  FROM folded CROSS JOIN (VALUES ${PERIOD_LIST}) AS period (seconds)
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (seconds, starts_at, processor) DO UPDATE
  SET payments = sums.payments + excluded.payments,
      amount_cents = sums.amount_cents + excluded.amount_cents`;
