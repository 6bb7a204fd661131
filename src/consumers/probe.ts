// Which payment finds out whether a processor that was taken for failing works.

import type { Ring } from '../buffer/ring.ts';
import type { Clock } from '../clock.ts';

const TRIES = 8;
const NEWEST = 8;

/**
 * Brings a payment that is fit to be a probe to the front of the queue, which isn't empty: one of
 * the newest or of all, at random, whichever was sent the fewest times. Nobody can foresee which:
 * payments that no processor takes could be sent to be it.
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
  ring.bringForward(best);
}
