// Chooses the processor for the next payment in the queue, by the policy `thrifty` or `eager`. The
// functions are pure.

import { DEFAULT, FALLBACK, otherThan, type ProcessorIndex } from '../payment.ts';

export type Choice = ProcessorIndex | 'wait';

/** A processor's state now. Durations are in milliseconds. */
export interface ProcessorView {
  readonly feeBps: number;
  /** How long the processor has been failing; undefined while it works. */
  readonly failingForMs: number | undefined;
  /** The expected delay of an attempt that is sent now. */
  readonly delayMs: number;
  readonly inFlight: number;
  /** The limit of attempts under way. */
  readonly inFlightMax: number;
  /** Whether a payment may be sent as a probe: no attempt was sent for a while. */
  readonly probeDue: boolean;
}

export interface Prices {
  /** Price of a second of waiting here, in basis points of the amount. */
  readonly waitBpsPerS: number;
  /** The same for a second under way, when the payment can't go to the other processor. */
  readonly flightBpsPerS: number;
}

/**
 * Chooses the processor of lower cost, even if the payment has to wait for it; the other one gets a
 * probe when one is due and its fee is below that cost. `backlog` is the number of payments that
 * wait, this one included.
 */
export function thrifty(
  breakers: readonly [ProcessorView, ProcessorView],
  prices: Prices,
  backlog: number,
): Choice {
  const costs = [
    costOf(breakers[0], prices, backlog),
    costOf(breakers[1], prices, backlog),
  ] as const;
  const best = costs[DEFAULT] <= costs[FALLBACK] ? DEFAULT : FALLBACK;
  const other = otherThan(best);
  if (breakers[other].probeDue && breakers[other].feeBps < costs[best]) return other;
  const breaker = breakers[best];
  if (breaker.failingForMs !== undefined) return breaker.probeDue ? best : 'wait';
  return breaker.inFlight < breaker.inFlightMax ? best : 'wait';
}

/**
 * A processor's cost in basis points of the amount: fee + waitCost × w + flightCost × d, where w is
 * the expected wait here and d the expected delay at the processor, in seconds.
 */
export function costOf(breaker: ProcessorView, prices: Prices, backlog: number): number {
  const waitMs = expectedWaitMs(breaker, backlog);
  return (
    breaker.feeBps + (prices.waitBpsPerS * waitMs + prices.flightBpsPerS * breaker.delayMs) / 1_000
  );
}

/**
 * An outage is expected to last as long again as it has lasted; a full processor delays a payment
 * by its backlog.
 */
function expectedWaitMs(breaker: ProcessorView, backlog: number): number {
  if (breaker.failingForMs !== undefined) return breaker.failingForMs;
  if (breaker.inFlight < breaker.inFlightMax) return 0;
  return (breaker.delayMs * backlog) / breaker.inFlightMax;
}

/** Default and its retries, then fallback and its retries, in turn. `declines` counts attempts. */
export function eager(
  breakers: readonly [ProcessorView, ProcessorView],
  retries: number,
  declines: number,
): Choice {
  const tries = retries + 1;
  const processor = declines % (2 * tries) < tries ? DEFAULT : FALLBACK;
  return breakers[processor].inFlight < breakers[processor].inFlightMax ? processor : 'wait';
}
