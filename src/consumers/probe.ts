// Which payment finds out whether a processor that was taken for failing works.

import type { Ring } from '../buffer/ring.ts';
import type { Clock } from '../clock.ts';

const TRIES = 8;

/**
 * Brings a payment that is fit to be a probe to the front of the queue, which isn't empty: the newest one, or one of some at
 * random, whichever was sent the fewest times. Not always the first one: it may be what the processor was taken for failing for.
 */
export function bringProbeForward(ring: Ring, clock: Clock): void {
  const declinesAt = (place: number): number => ring.declines[ring.waitingAt(place)] as number;
  let best = ring.waiting - 1;
  for (let tries = 0; tries < TRIES && declinesAt(best) > 0; tries++) {
    const place = Math.floor(clock.random() * ring.waiting);
    if (declinesAt(place) < declinesAt(best)) best = place;
  }
  ring.bringForward(best);
}
