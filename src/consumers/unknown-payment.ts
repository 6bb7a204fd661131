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
  /** Times that the processor answered 422. */
  duplicates: number;
  /** To the latest request, or to the latest question whose answer could not be read. */
  answered: { readonly status: number; readonly said: string };
  /** The circuit breaker knows that a 422 was no duplicate. */
  isHeldAgainst: boolean;
  isUnreadable: boolean;
  isResending: boolean;
  isSetAside: boolean;
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
    duplicates: 0,
    answered: { status: 0, said: '' },
    isHeldAgainst: false,
    isUnreadable: false,
    isResending: false,
    isSetAside: false,
    isSettled: false,
  };
}

/** Takes the first one out of the queue when its time has come. */
export function dueOf(queue: Map<number, Unknown>, nowMs: number): Unknown | undefined {
  const [first] = queue.values();
  if (first === undefined || first.askAtMs > nowMs) return undefined;
  queue.delete(first.slot);
  return first;
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
