// The rate limiter: at most RATE_LIMIT_PER_S attempts start in a second, and at most as many at
// once as the burst allows. 0 is no limit.

import type { Clock } from '../clock.ts';

/** So much allowance is saved up while the event loop pauses. */
const BURST_MS = 10;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #allowance: number;
  #countedAtMs: number;

  /** `gatherMs`: payments are gathered for so long before a look (SENDS_GATHER_MS). */
  constructor(clock: Clock, perSecond: number, gatherMs = 0) {
    this.#clock = clock;
    this.#perMs = perSecond === 0 ? Number.POSITIVE_INFINITY : perSecond / 1_000;
    this.#burst = Math.max(1, this.#perMs * (BURST_MS + gatherMs));
    this.#allowance = this.#burst;
    this.#countedAtMs = clock.elapsed();
  }

  /** Takes the allowance for one attempt; false when there is none now. */
  take(): boolean {
    if (this.#perMs === Number.POSITIVE_INFINITY) return true;
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
    return this.#allowance >= 1 ? 0 : (1 - this.#allowance) / this.#perMs;
  }
}
