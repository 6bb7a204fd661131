// Makes summaries: the count and sum of what each processor charged in a time range, in the
// contest's format. First every instance flushes what it has charged to the ledger.

import { decimalFromCents } from '../cents.ts';
import { FLUSH_ANSWER_MS, FLUSH_MS } from '../config/bounds.ts';
import type { Engine } from '../engine.ts';
import type { Peer } from '../gateways/peer.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { RowsDetached, type Totals } from '../ledger/range-totals.ts';
import type { Membership } from '../membership/membership.ts';
import { readRange, type RangeFault } from './range.ts';

export interface SummaryParts {
  readonly instance: number;
  readonly engine: Pick<Engine, 'flush'>;
  /** All instances in order, this one included. */
  readonly peers: readonly Pick<Peer, 'flush'>[];
  readonly ledger: Pick<Ledger, 'totals'>;
  readonly membership: Pick<Membership, 'requireOurLedger'>;
}

/**
 * Summaries under way; one more is refused at once. Each makes every instance flush, and clients
 * can ask faster than a database answers.
 */
const SUMMARIES_MAX = 100;

const DETACHED: Readonly<Record<RowsDetached['end'], string>> = {
  from: 'must be the first millisecond of a second: the rows of its month are detached',
  to: 'must be the last millisecond of a second: the rows of its month are detached',
};

export class Summaries {
  readonly #parts: SummaryParts;
  #underWay = 0;

  constructor(parts: SummaryParts) {
    this.#parts = parts;
  }

  /**
   * The summary as JSON; a fault of the query; 'busy' while SUMMARIES_MAX are under way; or, if
   * charged payments would be missing in it, where and why.
   * @throws if the ledger can't be read
   */
  async forQuery(
    query: string,
  ): Promise<{ readonly json: string } | RangeFault | { readonly missing: string } | 'busy'> {
    const range = readRange(query);
    if ('field' in range) return range;
    if (this.#underWay >= SUMMARIES_MAX) return 'busy';
    this.#underWay++;
    const { membership, ledger } = this.#parts;
    try {
      const missing = await this.#missing();
      if (missing !== undefined) return { missing };
      await membership.requireOurLedger();
      const [byDefault, byFallback] = await ledger.totals(range);
      return { json: `{"default":${jsonOf(byDefault)},"fallback":${jsonOf(byFallback)}}` };
    } catch (error) {
      if (!(error instanceof RowsDetached)) throw error;
      return { field: error.end, reason: DETACHED[error.end] };
    } finally {
      this.#underWay--;
    }
  }

  /**
   * Resolves with undefined once all that is charged by now, on all instances, is in the ledger;
   * else, after FLUSH_ANSWER_MS at most, with the first instance that is behind and the reason.
   * Never rejects.
   */
  async #missing(): Promise<string | undefined> {
    const { instance, engine, peers } = this.#parts;
    const reasons = await Promise.all(
      peers.map((peer, number) =>
        number === instance ? engine.flush(FLUSH_MS) : peer.flush(FLUSH_ANSWER_MS),
      ),
    );
    const behind = reasons.findIndex((reason) => reason !== undefined);
    return behind < 0 ? undefined : `instance ${behind}: ${reasons[behind]}`;
  }
}

/** Written by hand, since a float may not hold the sum of many payments exactly. */
function jsonOf({ payments, amountCents }: Totals): string {
  return `{"totalRequests":${payments},"totalAmount":${decimalFromCents(BigInt(amountCents))}}`;
}
