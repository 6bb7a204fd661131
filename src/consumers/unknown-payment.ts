// A payment whose outcome is unknown, and the queues of these.

import type { Charge } from '../payment.ts';

export interface Unknown {
  readonly slot: number;
  /** As it was sent, and is sent again. */
  readonly charge: Charge;
  /** Times by the clock's elapsed time. */
  readonly sinceMs: number;
  askAtMs: number;
  resendAtMs: number;
  resends: number;
  /** Its questions in a row that were not answered. */
  unanswered: number;
  /** Times that the processor answered 422. */
  duplicates: number;
  /** To the latest request, or to the latest question whose answer could not be read. */
  answered: { readonly status: number; readonly said: string };
  /** The circuit breaker knows that a 422 was no duplicate. */
  isHeldAgainst: boolean;
  isUnreadable: boolean;
  isResending: boolean;
  isSetAside: boolean;
  /** A request of it may still wake up at its processor until then. */
  awakeUntilMs: number;
  isSettled: boolean;
}

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
  };
}

/** A request without an answer is asked about often for so long, though it is set aside. */
export const AWAKE_MS = 5_000;
const ASK_EVERY_MS = 500;
const ASK_SET_ASIDE_EVERY_MS = 5_000;
const ASK_AGAIN_MS = 50;
/**
 * One whose questions weren't answered so often is asked about as seldom as those that are set
 * aside.
 */
const UNANSWERED_MAX = 3;

/**
 * All payments whose outcome is unknown, and when each is asked about next. In a queue all wait
 * equally long.
 */
export class Unknowns {
  readonly #all = new Map<number, Unknown>();
  readonly #again = new Map<number, Unknown>();
  readonly #fresh = new Map<number, Unknown>();
  readonly #seldom = new Map<number, Unknown>();

  get size(): number {
    return this.#all.size;
  }

  add(unknown: Unknown): void {
    this.#all.set(unknown.slot, unknown);
  }

  /** It is asked about when its time has come. */
  wait(unknown: Unknown, nowMs: number): void {
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

  /** Takes one out whose time has come. */
  due(nowMs: number): Unknown | undefined {
    for (const queue of [this.#again, this.#fresh, this.#seldom]) {
      const [first] = queue.values();
      if (first === undefined || first.askAtMs > nowMs) continue;
      queue.delete(first.slot);
      return first;
    }
    return undefined;
  }

  /** Whether it waited; now it doesn't. */
  takeOut({ slot }: Unknown): boolean {
    return this.#again.delete(slot) || this.#fresh.delete(slot) || this.#seldom.delete(slot);
  }

  settle(unknown: Unknown): void {
    this.takeOut(unknown);
    this.#all.delete(unknown.slot);
  }

  /** All are asked about and sent again now. */
  hurry(): void {
    for (const unknown of this.#all.values()) {
      unknown.askAtMs = 0;
      unknown.resendAtMs = 0;
      unknown.unanswered = 0;
    }
  }

  list(most: number): Unknown[] {
    return [...this.#all.values()].slice(0, most);
  }
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
