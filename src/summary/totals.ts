// The summary: what each processor was charged with in a range of time, as the contest words it.

import { decimalFromCents } from '../cents.ts';
import type { TimeRange, Totals } from '../ledger/reader.ts';
import { readRange, type RangeFault } from './range.ts';

export interface SummaryParts {
  /** Resolves when what is charged by now is in the ledger, or soon after at the latest. Never rejects. */
  readonly settled: () => Promise<void>;
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

  /** 'busy' while too many are under way. @throws when the ledger can't be read. */
  async of(query: string): Promise<{ readonly json: string } | RangeFault | 'busy'> {
    const range = readRange(query);
    if ('field' in range) return range;
    if (this.#underWay >= SUMMARIES_MAX) return 'busy';
    this.#underWay++;
    try {
      await this.#parts.settled();
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
