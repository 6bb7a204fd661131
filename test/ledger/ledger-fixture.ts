// A ledger of a test's own on a real PostgreSQL, and rows to put into it.

import type { TestContext } from 'node:test';
import { batchOf, type Batch } from '../../src/ledger/batch.ts';
import { LedgerReader } from '../../src/ledger/reader.ts';
import { idToText, type LedgerRow, type ProcessorIndex } from '../../src/payment.ts';
import { query, type DatabaseServer } from '../world/database.ts';
import { wrongSumsOf } from '../world/sums.ts';

export interface Ledger {
  readonly url: string;
  readonly reader: LedgerReader;
}

export async function makeLedger(server: DatabaseServer, context: TestContext): Promise<Ledger> {
  const url = await server.createDatabase();
  const reader = new LedgerReader(url, 5_000, () => {});
  context.after(() => reader.close());
  await reader.ensureSchema();
  return { url, reader };
}

export const rowOf = (
  n: number,
  amountCents = 1990,
  requestedAtMs = 1_752_500_000_000,
  processor: ProcessorIndex = 0,
): LedgerRow => ({
  correlationId: idToText(Uint32Array.of(0, 0, 0, n)),
  amountCents,
  requestedAtMs,
  processor,
});

export const batchOfRows = (...rows: readonly LedgerRow[]): Batch => batchOf(rows);

export interface Sums {
  readonly payments: number;
  readonly cents: number;
}

/** Whether the sums say what the rows say; their total. @throws Error when they don't */
export async function checkSums(url: string): Promise<Sums> {
  const wrong = await wrongSumsOf(url);
  if (wrong.length > 0) throw new Error(`sums differ from rows: ${JSON.stringify(wrong)}`);
  const [sums] = await query<{ payments: number; cents: number }>(
    url,
    'SELECT count(*)::int AS payments, coalesce(sum(amount_cents), 0)::float8 AS cents FROM all_payments',
  );
  return sums as Sums;
}
