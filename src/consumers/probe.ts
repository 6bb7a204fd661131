// Choosing the payment that is sent to a failing processor as a probe.

import type { Ring } from '../buffer/ring.ts';
import type { Clock } from '../clock.ts';

const TRIES = 8;
const NEWEST = 8;

/**
 * Moves the payment that is to be the probe to the front of the queue, which must not be empty. It
 * is drawn at random from the newest or from all payments, and of several draws the one with the
 * fewest declines is taken. So no client can foresee the probe and make it a payment that no
 * processor takes.
 */
export function bringProbeForward(ring: Ring, clock: Clock): void {
  const declinesAt = (place: number): number => ring.declines[ring.waitingAt(place)] as number;
  const among = clock.random() < 0.5 ? Math.min(NEWEST, ring.waiting) : ring.waiting;
  const somePlace = (): number => ring.waiting - 1 - Math.floor(clock.random() * among);
  let best = somePlace();
  for (let tries = 0; tries < TRIES && declinesAt(best) > 0; tries++) {
    const place = somePlace();
    if (declinesAt(place) < declinesAt(best)) best = place;
  }
  ring.swapToFront(best);
}
