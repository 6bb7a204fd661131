// The summary: what each processor was charged with in a range of time, as the contest words it.

import { decimalFromCents } from '../cents.ts';
import type { TimeRange, Totals } from '../ledger/reader.ts';
import { readRange, type RangeFault } from './range.ts';

export interface SummaryParts {
  /**
   * undefined once all that is charged by now, on whichever instance, is in the ledger; within a
   * bound, the reason why that isn't so. Never rejects.
   */
  readonly missing: () => Promise<string | undefined>;
  readonly totals: (range: TimeRange) => Promise<readonly [Totals, Totals]>;
}

/**
 * Beyond these a summary is refused before it costs anything: clients can ask faster than any database answers, and each one
 * makes every instance flush.
 */
const SUMMARIES_MAX = 100;

export class Summaries {
  readonly #parts: SummaryParts;
  #underWay = 0;

  constructor(parts: SummaryParts) {
    this.#parts = parts;
  }

  /**
   * 'busy' while too many are under way; what is missing when it would not be true. @throws when
   * the ledger can't be read.
   */
  async of(
    query: string,
  ): Promise<{ readonly json: string } | RangeFault | { readonly missing: string } | 'busy'> {
    const range = readRange(query);
    if ('field' in range) return range;
    if (this.#underWay >= SUMMARIES_MAX) return 'busy';
    this.#underWay++;
    try {
      const missing = await this.#parts.missing();
      if (missing !== undefined) return { missing };
      const [byDefault, byFallback] = await this.#parts.totals(range);
      return { json: `{"default":${jsonOf(byDefault)},"fallback":${jsonOf(byFallback)}}` };
    } finally {
      this.#underWay--;
    }
  }
}

/** By hand: the sum of many payments may exceed what a float holds exactly. */
function jsonOf({ payments, amountCents }: Totals): string {
  return `{"totalRequests":${payments},"totalAmount":${decimalFromCents(BigInt(amountCents))}}`;
}
