// Payments whose outcome is unknown, and when each is asked about.

import type { Charge } from '../payment.ts';

export interface Unknown {
  readonly slot: number;
  /** What was sent, and is sent again unchanged. */
  readonly charge: Charge;
  /** This and the other times are by the clock's elapsed time. */
  readonly sinceMs: number;
  askAtMs: number;
  resendAtMs: number;
  resends: number;
  /** Questions about it in a row without an answer. */
  unanswered: number;
  /** How often the processor answered 422. */
  duplicates: number;
  /** The answer to the latest request, or the latest answer that could not be read. */
  answered: { readonly status: number; readonly said: string };
  /** The circuit breaker has counted its 422 as a refusal: the processor doesn't hold it. */
  isHeldAgainst: boolean;
  isUnreadable: boolean;
  isResending: boolean;
  isSetAside: boolean;
  /** Until then the processor may still store one of its requests. */
  awakeUntilMs: number;
  isSettled: boolean;
  /** Who wants the payment as soon as nothing is under way for it. */
  wanted: Taken | undefined;
}

/** Called with true once the payment is taken, with false if its outcome is known before. */
export type Taken = (isTaken: boolean) => void;

export function unknownOf(slot: number, charge: Charge, nowMs: number): Unknown {
  return {
    slot,
    charge,
    sinceMs: nowMs,
    askAtMs: nowMs,
    resendAtMs: nowMs,
    resends: 0,
    unanswered: 0,
    duplicates: 0,
    answered: { status: 0, said: '' },
    isHeldAgainst: false,
    isUnreadable: false,
    isResending: false,
    isSetAside: false,
    awakeUntilMs: 0,
    isSettled: false,
    wanted: undefined,
  };
}

/**
 * After a request without an answer, a payment is asked about often for so long, even set aside.
 */
export const AWAKE_MS = 5_000;
const ASK_EVERY_MS = 500;
const ASK_SET_ASIDE_EVERY_MS = 5_000;
const ASK_AGAIN_MS = 50;
/**
 * After so many questions without an answer, a payment is asked about as rarely as if set aside.
 */
const UNANSWERED_MAX = 3;

/**
 * All payments whose outcome is unknown. Those that wait are in one of four queues; in a queue all
 * wait equally long, so its first payment is due first.
 */
export class Unknowns {
  readonly #all = new Map<number, Unknown>();
  readonly #now = new Map<number, Unknown>();
  readonly #again = new Map<number, Unknown>();
  readonly #fresh = new Map<number, Unknown>();
  readonly #seldom = new Map<number, Unknown>();

  get size(): number {
    return this.#all.size;
  }

  find(slot: number): Unknown | undefined {
    return this.#all.get(slot);
  }

  add(unknown: Unknown): void {
    this.#all.set(unknown.slot, unknown);
  }

  /** Queues a payment until it is asked about next. */
  wait(unknown: Unknown, nowMs: number): void {
    if (unknown.wanted !== undefined && !unknown.isResending) return this.end(unknown, true);
    const { isSetAside, isResending, awakeUntilMs, unanswered, slot } = unknown;
    const isAsleep = isSetAside && !isResending && nowMs >= awakeUntilMs;
    const isSeldom = isAsleep || unanswered >= UNANSWERED_MAX;
    const [queue, pauseMs] = isSeldom
      ? [this.#seldom, ASK_SET_ASIDE_EVERY_MS]
      : unanswered > 0
        ? [this.#again, ASK_AGAIN_MS]
        : [this.#fresh, ASK_EVERY_MS];
    unknown.askAtMs = nowMs + pauseMs;
    queue.set(slot, unknown);
  }

  /** Removes a payment that is due from its queue. */
  due(nowMs: number): Unknown | undefined {
    for (const queue of [this.#now, this.#again, this.#fresh, this.#seldom]) {
      const [first] = queue.values();
      if (first === undefined || first.askAtMs > nowMs) continue;
      queue.delete(first.slot);
      return first;
    }
    return undefined;
  }

  /** Removes a payment from its queue; whether it was in one. */
  takeOut({ slot }: Unknown): boolean {
    return [this.#now, this.#again, this.#fresh, this.#seldom].some((queue) => queue.delete(slot));
  }

  /** Its outcome is known, or somebody takes it (`isTaken`). */
  end(unknown: Unknown, isTaken: boolean): void {
    unknown.isSettled = true;
    this.takeOut(unknown);
    this.#all.delete(unknown.slot);
    unknown.wanted?.(isTaken);
  }

  /**
   * Removes a payment as soon as nothing is under way for it, and calls `taken(true)`;
   * `taken(false)` if its outcome is known before.
   */
  take(unknown: Unknown, taken: Taken): void {
    unknown.wanted = taken;
    if (!unknown.isResending) this.leaves(unknown);
  }

  /** Whether somebody wants a payment for which no request is under way, and has it now. */
  leaves(unknown: Unknown): boolean {
    const isFree = unknown.wanted !== undefined && this.takeOut(unknown);
    if (isFree) this.end(unknown, true);
    return isFree;
  }

  /** All are due now, for a question and for a request. */
  hurry(): void {
    for (const unknown of this.#all.values()) hurry(unknown);
  }

  /** The payment is due now, before those that wait as long. */
  hurryOne(unknown: Unknown): void {
    hurry(unknown);
    if (!this.takeOut(unknown)) return;
    this.#now.set(unknown.slot, unknown);
  }

  list(most: number): Unknown[] {
    return [...this.#all.values()].slice(0, most);
  }
}

function hurry(unknown: Unknown): void {
  unknown.askAtMs = 0;
  unknown.resendAtMs = 0;
  unknown.unanswered = 0;
}

/** For the status. */
export function describe(
  unknown: Unknown,
  processor: string,
  nowMs: number,
): Record<string, unknown> {
  const { charge, isSetAside, resends, duplicates, answered, sinceMs } = unknown;
  return {
    correlationId: charge.correlationId,
    amountCents: charge.amountCents,
    processor,
    outcome: 'unknown',
    isSetAside,
    requests: resends + 1,
    duplicates,
    status: answered.status,
    forMs: Math.round(nowMs - sinceMs),
  };
}
