// The summary: what each processor was charged with in a range of time, as the contest words it.

import { decimalFromCents } from '../cents.ts';
import type { TimeRange, Totals } from '../ledger/reader.ts';
import { readRange, type RangeFault } from './range.ts';

export interface SummaryParts {
  /** Resolves when what is charged by now is in the ledger, or soon after at the latest. Never rejects. */
  readonly settled: () => Promise<void>;
  readonly totals: (range: TimeRange) => Promise<readonly [Totals, Totals]>;
}

/** @throws when the ledger can't be read. */
export async function summarize(
  query: string,
  { settled, totals }: SummaryParts,
): Promise<{ readonly json: string } | RangeFault> {
  const range = readRange(query);
  if ('field' in range) return range;
  await settled();
  const [byDefault, byFallback] = await totals(range);
  return { json: `{"default":${jsonOf(byDefault)},"fallback":${jsonOf(byFallback)}}` };
}

/** By hand: the sum of many payments may exceed what a float holds exactly. */
function jsonOf({ payments, amountCents }: Totals): string {
  return `{"totalRequests":${payments},"totalAmount":${decimalFromCents(BigInt(amountCents))}}`;
}
