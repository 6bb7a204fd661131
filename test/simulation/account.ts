// One payment in the books: what clients sent and were answered, where it is charged, and what the
// ledger has.

import type { Admitted } from '../../src/intake/admitted.ts';
import { idToText, type Charge, type IdWords, type LedgerRow } from '../../src/payment.ts';

/** - nothing: it never answers. */
export type Curse = 400 | 422 | 429 | 500 | 502 | 'nothing';
export const CURSES: readonly Curse[] = [400, 422, 429, 500, 502, 'nothing'];

/** - failed: an error was answered. - cut: the process died before it answered. */
export type Told = Admitted | 'failed' | 'cut';

/** Somebody brings a payment. */
export interface Call {
  readonly id: IdWords;
  readonly cents: number;
  readonly from: 'client' | 'peer' | 'peer in doubt';
}

export class Account {
  readonly index: number;
  readonly id: IdWords;
  readonly text: string;
  /** Amounts that reached an instance. */
  readonly posted = new Set<number>();
  /** Cents of the first acceptance by its owner. */
  promised: number | undefined;
  /** Another instance took it while its owner was away. */
  taken = false;
  /** It may have been taken without anybody having been told. */
  maybe = false;
  /** At each processor. */
  readonly charges: [Charge | undefined, Charge | undefined] = [undefined, undefined];
  row: LedgerRow | undefined;
  /** An operator gave it up, and the ledger has that. */
  givenUp: { readonly mayBeCharged: boolean } | undefined;
  /** Somebody deleted its row, and no instance took it again since. */
  lost = false;
  /** Its row was deleted at least once. */
  wasLost = false;
  /** Another instance than its owner was called. */
  strayed = false;
  /** Calls of clients that are planned or under way, and hand-overs that are on their way. */
  calls = 0;
  /** What both processors answer to it until the world heals. */
  curse: Curse | undefined;
  /** When a processor inserted it, ms of the timeline. */
  chargedAtMs = 0;
  /**
   * Its row is not ours: somebody else has recorded the id, at the other processor or with another
   * amount.
   */
  isForeign = false;
  /** That was reported. */
  isReported = false;
  /** The other row came when nobody may have held the payment any more. */
  isUnseen = false;

  constructor(index: number, id: IdWords) {
    this.index = index;
    this.id = id;
    this.text = idToText(id);
  }

  /** Whether some instance has it for certain, or may have it. */
  get mayBeKnown(): boolean {
    const isTold = this.promised !== undefined || this.taken || this.maybe;
    return isTold || this.isCharged || this.row !== undefined || this.givenUp !== undefined;
  }

  get isCharged(): boolean {
    return this.charges[0] !== undefined || this.charges[1] !== undefined;
  }

  /** Whether there is nothing left to do for it. */
  get isSettled(): boolean {
    if (this.givenUp !== undefined) return true;
    const isOwed = this.promised !== undefined || this.taken || this.isCharged;
    return this.row !== undefined || this.lost || !isOwed;
  }
}
