// The books: what each processor charged, of all time, by the ledger. Read while somebody looks,
// shared by all who do.

import { sleep, type Clock } from '../clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Totals } from '../ledger/range-totals.ts';
import type { Membership } from '../membership/membership.ts';
import { readRange } from '../summary/range.ts';

export interface BooksParts {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'totals'>;
  readonly membership: Pick<Membership, 'requireOurLedger'>;
  /** In hundredths of a percent: default first, fallback second. */
  readonly feesBps: readonly [number, number];
}

/** Digits as text, since a sum may exceed a safe integer. */
interface Account {
  readonly payments: string;
  readonly amountCents: string;
  /** By the fee that the settings name, rounded to a cent. */
  readonly feeCents: string;
}

export interface BooksFigures {
  readonly default: Account;
  readonly fallback: Account;
}

const EVERY_MS = 3_000;
/** A reading that takes long is done less often: at most this share of the time. */
const SHARE_MAX = 0.05;

export class Books {
  readonly #parts: BooksParts;
  #reading: Promise<BooksFigures | null> | undefined;
  #latest: BooksFigures | null = null;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(parts: BooksParts) {
    this.#parts = parts;
  }

  /** Null if the ledger can't be read within `withinMs`. Never rejects. */
  read(withinMs: number): Promise<BooksFigures | null> {
    const { clock } = this.#parts;
    if (this.#reading === undefined && clock.elapsed() < this.#nextMs) {
      return Promise.resolve(this.#latest);
    }
    this.#reading ??= this.#read();
    return Promise.race([this.#reading, sleep(clock, withinMs).then(() => null)]);
  }

  async #read(): Promise<BooksFigures | null> {
    const { clock, ledger, membership, feesBps } = this.#parts;
    const beganMs = clock.elapsed();
    try {
      await membership.requireOurLedger();
      const range = readRange('');
      if ('field' in range) throw new Error('no range');
      const [first, second] = await ledger.totals(range);
      this.#latest = {
        default: accountOf(first, feesBps[0]),
        fallback: accountOf(second, feesBps[1]),
      };
    } catch {
      // The log says why the ledger is away.
      this.#latest = null;
    }
    const tookMs = clock.elapsed() - beganMs;
    this.#nextMs = clock.elapsed() + Math.max(EVERY_MS, tookMs / SHARE_MAX);
    this.#reading = undefined;
    return this.#latest;
  }
}

function accountOf({ payments, amountCents }: Totals, feeBps: number): Account {
  const feeCents = (BigInt(amountCents) * BigInt(feeBps) + 5_000n) / 10_000n;
  return { payments, amountCents, feeCents: feeCents.toString() };
}
