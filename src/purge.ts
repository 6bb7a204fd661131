// A purge forgets every payment, at all instances and in the ledger at once (docs/PURGE.md).
//
// One instance leads it and holds the ledger's purge lock meanwhile. From the moment when all
// instances are still until the ledger is empty, nobody takes a payment: one that was taken and
// recorded in between would be charged and missing in the ledger.
//
//   leader     lock ─▶ all hold still ─▶ all freeze ─▶ empty the ledger ─▶ all forget ─▶ unlock
//   instance   open ──▶ still ──▶ frozen ──forget──▶ open
//
// An instance that is still or frozen, and hears nothing more, looks at the lock. Only a free lock
// proves that the ledger won't be emptied any more: then the instance opens. If the lock stays
// taken for too long, it takes payments and sends none. A start waits for a free lock in the same
// way.

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
    /** Takes only what other instances hold for this one, and starts no attempt. */
    holdStill(): void;
    /** Nothing is under way. */
    readonly isStill: boolean;
    /** Takes nothing. */
    freeze(): void;
    /**
     * Forgets every payment; only while nothing is under way. Resolves when that is as safe as
     * JOURNAL_SYNC asks for. @throws when the disk fails
     */
    forget(): Promise<void>;
    takeAgain(): void;
    sendAgain(): void;
  };
  /** Whether this process still runs this instance. Rejects when that can't be said. */
  readonly isOurs: () => Promise<boolean>;
  readonly begin: () => Promise<LedgerPurge | 'busy'>;
  /** Whether anybody has the ledger's purge lock. @throws when the ledger can't be asked */
  readonly isUnderWay: () => Promise<boolean>;
  readonly others: readonly Follower[];
}

/** For what is under way to be settled. */
const STILL_MS = 10_000;
/** More than STILL_MS, so that a refusal arrives; with JOURNAL_SYNC=always the disk takes time. */
const ANSWER_MS = 11_000;
/** For an order that is carried out at once. */
const ORDER_MS = 2_000;
const ASK_EVERY_MS = 50;
/** Longer than a purge takes. */
const CLOSED_MAX_MS = 30_000;

export class Purge {
  readonly #parts: PurgeParts;
  /**
   * The name of the purge that this instance holds still for. '' while there may be one that it
   * doesn't know, or when it waited too long for the end; undefined when it is open.
   */
  #current: string | undefined;
  #closedAtMs = 0;
  #watching = false;

  constructor(parts: PurgeParts) {
    this.#parts = parts;
  }

  /** Leads a purge; 'busy' while there is another one. @throws when not all was forgotten */
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
   * Before the server listens: no attempt starts until no purge is under way. An instance that died
   * during a purge, and is back before its end, would record what the ledger is about to forget.
   */
  openWhenOver(): void {
    const { engine } = this.#parts;
    engine.holdStill();
    engine.takeAgain();
    this.#current = '';
    this.#keepWatch();
  }

  /** Whether nothing is under way in time. Clients are refused until the end of that purge. */
  async holdStill(purge: string): Promise<boolean> {
    const { clock, engine } = this.#parts;
    engine.holdStill();
    this.#current = purge;
    this.#closedAtMs = clock.elapsed();
    this.#keepWatch();
    await becomesTrue(clock, STILL_MS, () => engine.isStill || this.#current !== purge);
    // A process that has followed this one earlier takes and sends; a later one finds the lock.
    const isOurs = await this.#parts.isOurs().catch(() => false);
    return isOurs && this.#isStillFor(purge);
  }

  /** Takes nothing from now on. False when this instance is not still for that purge. */
  freeze(purge: string): boolean {
    if (!this.#isStillFor(purge)) return false;
    this.#parts.engine.freeze();
    return true;
  }

  /** The ledger was emptied. False when this instance has opened since: it may hold payments. */
  async forget(purge: string): Promise<boolean> {
    if (!this.#isStillFor(purge)) return false;
    await this.#parts.engine.forget();
    // Meanwhile this purge may have ended, and the next one begun.
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

  /** While it is closed: opens when the purge has ended without a message. */
  async #watch(): Promise<void> {
    const { clock, engine, isUnderWay } = this.#parts;
    while (this.#current !== undefined) {
      const purge = this.#current;
      const holds = await isUnderWay().catch(() => true);
      // The answer says nothing about a purge that began after the question.
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
