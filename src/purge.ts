// A purge: every payment forgotten, by all instances and the ledger at once.
//
// One instance leads it, under the ledger's purge lock. Nobody takes a payment from the moment that all are still until the ledger is
// empty: what one took and recorded in between would be charged and missing in the ledger.
//
//   leader:    lock ─▶ all hold still ─▶ all freeze ─▶ the ledger is emptied ─▶ all forget ─▶ unlock
//   each one:  open ──▶ still ──▶ frozen ──forget──▶ open
//                         └─────────┴─ the lock is free, and no word: it failed, or the leader died ──▶ open
//                         └─────────┴─ too long ─▶ takes payments, sends none ──the lock is free──▶ open
//                                         start ─▶ ┘
//
// One that is still takes what others hold for it, or they would never be; one that is frozen takes nothing, or it might forget what
// another one took that is open already. Only a free lock proves that the ledger won't be emptied any more: then what is taken
// may be sent. The leader itself holds still and opens as all others do.

import { becomesTrue, sleep, type Clock } from './clock.ts';

/** A purge of the ledger, under its lock. */
interface LedgerPurge {
  /** @throws when the ledger may not be empty */
  empty(): Promise<void>;
  /** Never rejects. */
  end(): Promise<void>;
}

/** Another instance. None of these rejects. */
interface Follower {
  holdStill(purge: string, timeoutMs: number): Promise<boolean>;
  freeze(purge: string, timeoutMs: number): Promise<boolean>;
  forget(purge: string, timeoutMs: number): Promise<boolean>;
}

export interface PurgeParts {
  readonly clock: Clock;
  readonly engine: {
    /** Only what other instances hold for this one is taken, and no attempt starts. */
    holdStill(): void;
    /** Nothing is under way any more. */
    readonly isStill: boolean;
    /** Nothing is taken. */
    freeze(): void;
    /** Forgets every payment. Only while it is still. Resolves when that is as safe as was asked for. @throws when the disk fails */
    forget(): Promise<void>;
    takeAgain(): void;
    sendAgain(): void;
  };
  readonly begin: () => Promise<LedgerPurge | 'busy'>;
  /** Whether anybody has the ledger's purge lock. @throws when the ledger can't be asked */
  readonly isUnderWay: () => Promise<boolean>;
  readonly others: readonly Follower[];
}

/** For what is under way to be settled. */
const STILL_MS = 10_000;
/** More than STILL_MS: a follower's no should arrive. And for the disk, with JOURNAL_SYNC=always. */
const ANSWER_MS = 11_000;
/** For what is done at once. */
const ORDER_MS = 2_000;
const ASK_EVERY_MS = 50;
/** Longer than a purge takes. */
const CLOSED_MAX_MS = 30_000;

export class Purge {
  readonly #parts: PurgeParts;
  /** The one that we hold still for; empty when there may be one that we don't know, or whose end we waited for too long. */
  #current: string | undefined;
  #closedAtMs = 0;
  #watching = false;

  constructor(parts: PurgeParts) {
    this.#parts = parts;
  }

  /** Leads a purge; 'busy' when there is another one. @throws when not all was forgotten */
  async lead(): Promise<'purged' | 'busy'> {
    const { clock, begin, others } = this.#parts;
    const ledger = await begin();
    if (ledger === 'busy') return 'busy';
    try {
      const purge = String(clock.random()).slice(2);
      const stills = others.map((other) => other.holdStill(purge, ANSWER_MS));
      demand([await this.holdStill(purge), ...(await Promise.all(stills))], 'hold still');
      const freezes = others.map((other) => other.freeze(purge, ORDER_MS));
      demand([this.freeze(purge), ...(await Promise.all(freezes))], 'freeze');
      await ledger.empty();
      const forgets = others.map((other) => other.forget(purge, ANSWER_MS));
      demand([await this.forget(purge), ...(await Promise.all(forgets))], 'forget');
    } finally {
      await ledger.end();
    }
    return 'purged';
  }

  /**
   * Before the doors open: starts no attempt until it is known that no purge is under way. One that died in the middle of a purge and is
   * back before its end would record what the ledger forgets a moment later.
   */
  openWhenOver(): void {
    const { engine } = this.#parts;
    engine.holdStill();
    engine.takeAgain();
    this.#current = '';
    this.#keepWatch();
  }

  /** Whether nothing is under way here, in time; clients are refused until the end of that purge. */
  async holdStill(purge: string): Promise<boolean> {
    const { clock, engine } = this.#parts;
    engine.holdStill();
    this.#current = purge;
    this.#closedAtMs = clock.elapsed();
    this.#keepWatch();
    await becomesTrue(clock, STILL_MS, () => engine.isStill || this.#current !== purge);
    return this.#isStillFor(purge);
  }

  /** All are still: from now on nothing is taken. False when we aren't (any more). */
  freeze(purge: string): boolean {
    if (!this.#isStillFor(purge)) return false;
    this.#parts.engine.freeze();
    return true;
  }

  /** The ledger was emptied. False when we are open again: payments were taken since. */
  async forget(purge: string): Promise<boolean> {
    if (!this.#isStillFor(purge)) return false;
    await this.#parts.engine.forget();
    // Meanwhile this purge may have ended without us, and the next one begun.
    if (this.#current === purge) this.#open();
    return true;
  }

  #isStillFor(purge: string): boolean {
    return this.#current === purge && this.#parts.engine.isStill;
  }

  #keepWatch(): void {
    if (this.#watching) return;
    this.#watching = true;
    void this.#watch();
  }

  /** Until we are open: opens when the purge ended without a word to us. */
  async #watch(): Promise<void> {
    const { clock, engine, isUnderWay } = this.#parts;
    while (this.#current !== undefined) {
      const purge = this.#current;
      const holds = await isUnderWay().catch(() => true);
      // An answer that is older than a purge which began meanwhile says nothing of that one.
      if (!holds && this.#current === purge) this.#open();
      else await sleep(clock, ASK_EVERY_MS);
      if (this.#current && clock.elapsed() - this.#closedAtMs > CLOSED_MAX_MS) {
        this.#current = '';
        engine.takeAgain();
      }
    }
    this.#watching = false;
  }

  #open(): void {
    this.#current = undefined;
    this.#parts.engine.takeAgain();
    this.#parts.engine.sendAgain();
  }
}

function demand(answers: readonly boolean[], what: string): void {
  if (answers.includes(false)) throw new Error(`not every instance could ${what}`);
}
