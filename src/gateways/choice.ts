// Choosing a processor for the payment that has waited longest: pure, from plain values.
//
// thrifty puts a price on time. With w the expected wait here and d the expected delay at the processor, both in seconds, a
// processor costs  fee + waitCost × w + flightCost × d  basis points, and the cheaper one gets the payment, even if
// that means waiting for it. An outage is expected to last as long again as it has lasted; a full processor makes wait for
// its backlog. Who would be the cheaper one if it were well again gets one payment as a probe now and then.

import { DEFAULT, FALLBACK, type ProcessorIndex } from '../payment.ts';
import type { LaneView } from './lane.ts';

export type Choice = ProcessorIndex | 'wait';

export interface Prices {
  /** Basis points of the amount per second, for a payment that waits here. */
  readonly waitBpsPerS: number;
  /** The same for one under way: it can't be sent elsewhere any more. */
  readonly flightBpsPerS: number;
}

/** `backlog`: payments waiting, this one included. */
export function thrifty(
  lanes: readonly [LaneView, LaneView],
  prices: Prices,
  backlog: number,
): Choice {
  const costs = [costOf(lanes[0], prices, backlog), costOf(lanes[1], prices, backlog)] as const;
  const best = costs[DEFAULT] <= costs[FALLBACK] ? DEFAULT : FALLBACK;
  const other = best === DEFAULT ? FALLBACK : DEFAULT;
  if (lanes[other].probeDue && lanes[other].feeBps < costs[best]) return other;
  const lane = lanes[best];
  if (lane.failingForMs !== undefined) return lane.probeDue ? best : 'wait';
  return lane.inFlight < lane.inFlightMax ? best : 'wait';
}

/** Basis points of the amount. */
export function costOf(lane: LaneView, prices: Prices, backlog: number): number {
  const waitMs = expectedWaitMs(lane, backlog);
  return lane.feeBps + (prices.waitBpsPerS * waitMs + prices.flightBpsPerS * lane.delayMs) / 1_000;
}

function expectedWaitMs(lane: LaneView, backlog: number): number {
  if (lane.failingForMs !== undefined) return lane.failingForMs;
  if (lane.inFlight < lane.inFlightMax) return 0;
  return (lane.delayMs * backlog) / lane.inFlightMax;
}

/** The seed's way: default and its retries, then fallback and its retries, and again. */
export function eager(
  lanes: readonly [LaneView, LaneView],
  retries: number,
  declines: number,
): Choice {
  const tries = retries + 1;
  const processor = declines % (2 * tries) < tries ? DEFAULT : FALLBACK;
  return lanes[processor].inFlight < lanes[processor].inFlightMax ? processor : 'wait';
}
