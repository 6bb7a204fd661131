// The anomalies that the ledger keeps, and a ledger whose table of payments is locked by another
// session.

import pg from 'pg';
import type { AnomalyKind, KnownValues } from '../../src/ledger/anomaly.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { query, untilDeadlockFree } from './database.ts';

export interface KeptAnomaly {
  readonly id: string;
  readonly kind: AnomalyKind;
  readonly accepted: KnownValues;
  readonly charged: KnownValues;
  readonly recorded: KnownValues;
  readonly instance: number;
}

export const anomaliesIn = (databaseUrl: string): Promise<KeptAnomaly[]> =>
  query<KeptAnomaly & pg.QueryResultRow>(
    databaseUrl,
    `SELECT correlation_id::text AS id, kind, accepted, charged, recorded, instance
     FROM anomalies ORDER BY id, found_at`,
  );

/** Records a payment by hand, with its sum. */
export async function recordByHand(databaseUrl: string, row: LedgerRow): Promise<void> {
  const { correlationId, processor, amountCents, requestedAtMs } = row;
  await query(
    databaseUrl,
    `WITH by_hand AS (
       INSERT INTO payments VALUES ($1, $2, $3, to_timestamp($4::float8 / 1000))
       RETURNING processor, amount_cents, requested_at
     )
     INSERT INTO batch_sums (processor, second, payments, amount_cents)
     SELECT processor, date_trunc('second', requested_at), 1, amount_cents FROM by_hand`,
    [correlationId, processor, amountCents, requestedAtMs],
  );
}

/** Until it is released, the table can be read and not written. */
export async function holdPayments(
  databaseUrl: string,
  table = 'payments',
): Promise<{ release(): Promise<void> }> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  await untilDeadlockFree(async () => {
    // After a deadlock its transaction is still open.
    await client.query('ROLLBACK');
    await client.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`);
  });
  return { release: () => client.end() };
}
