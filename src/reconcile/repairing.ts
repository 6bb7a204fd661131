// Repairs the ledger after a comparison: first the rows, then the sums that are still wrong.

import type { Clock } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { ComparedBooks } from '../ledger/compared-books.ts';
import { isSameSum } from '../ledger/compared-row.ts';
import { RepairRefused, type LedgerRepair, type Repaired } from '../ledger/repair.ts';
import { wrongSumOf } from '../ledger/sum-periods.ts';
import { processorName } from '../payment.ts';
import type { Comparison } from './comparison.ts';

export interface RepairOutcome {
  /** The payment, or the begin of a sum's period. */
  readonly what: string;
  readonly kind: string;
  readonly result: Repaired;
}

export interface RepairingParts {
  readonly clock: Clock;
  readonly books: ComparedBooks;
  readonly repair: LedgerRepair;
}

/** The instances read repairs every second: then a repeat of such a payment is not a new one. */
const LEARNED_MS = 2_500;

/** So many payments at the other processor are no accident. */
const MOVED_MAX = 10;

/** With the addresses in the wrong order, the whole ledger seems to be at the wrong processors. */
async function refuseSwapped(books: ComparedBooks, { range, payments }: Comparison): Promise<void> {
  const moved = payments.filter(({ kind }) => kind === 'at the other processor').length;
  if (moved <= MOVED_MAX) return;
  const [first, second] = await books.sums(range);
  if (BigInt(2 * moved) <= first.payments + second.payments) return;
  throw new RepairRefused(
    'most rows are at the other processor: ' +
      'are PROCESSOR_DEFAULT_URL and PROCESSOR_FALLBACK_URL in the right order?',
  );
}

/** Hands out each outcome as it happens. @throws RepairRefused, or when the ledger fails */
export async function* repairAll(
  { clock, books, repair }: RepairingParts,
  comparison: Comparison,
): AsyncGenerator<RepairOutcome> {
  await refuseSwapped(books, comparison);
  const { payments, wrongSums } = comparison;
  let rows = 0;
  for (const { kind, facts, shall } of payments) {
    if (shall === undefined) continue;
    const { correlationId, entry } = facts;
    const seen = entry && { ...entry, correlationId };
    const result = await repair.row({ seen, shall: { ...shall, correlationId }, kind });
    rows++;
    yield { what: correlationId, kind, result };
  }
  for (const key of wrongSums) {
    const sum = await books.periods.of(key);
    if (sum === undefined || isSameSum(sum.rows, sum.summed)) continue;
    const result = await repair.sum(key, sum.summed);
    const what = `${processorName(key.processor)} ${new Date(key.startMs).toISOString()}`;
    yield { what, kind: wrongSumOf(key.period), result };
  }
  if (rows > 0) await sleep(clock, LEARNED_MS);
}
