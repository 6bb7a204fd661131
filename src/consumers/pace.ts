// The pace of sending: at most so many attempts a second, spread evenly, so that draining a backlog never comes in bursts
// that starve intake. A calm stream of payments never notices it.

import type { Clock } from '../clock.ts';

/** What may be caught up on after a pause of the event loop. */
const BURST_MS = 10;

export class Pace {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #allowance: number;
  #countedAtMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perMs = perSecond / 1_000;
    this.#burst = Math.max(1, this.#perMs * BURST_MS);
    this.#allowance = this.#burst;
    this.#countedAtMs = clock.elapsed();
  }

  /** Takes the allowance for one attempt; false when there is none now. */
  take(): boolean {
    const now = this.#clock.elapsed();
    const earned = (now - this.#countedAtMs) * this.#perMs;
    this.#allowance = Math.min(this.#burst, this.#allowance + earned);
    this.#countedAtMs = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }

  /** Milliseconds until there is allowance for one attempt. */
  get waitMs(): number {
    return Math.max(0, (1 - this.#allowance) / this.#perMs);
  }
}
