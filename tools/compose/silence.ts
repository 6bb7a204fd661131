// The longest time without an accepted payment.

export class Silence {
  #brokenAtMs: number;
  #longestMs = 0;

  constructor(nowMs: number) {
    this.#brokenAtMs = nowMs;
  }

  /** A payment was accepted. */
  break(nowMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#brokenAtMs);
    this.#brokenAtMs = nowMs;
  }

  /** The longest silence that ended since the last call, or goes on now. */
  takeLongestMs(nowMs: number): number {
    const longestMs = Math.max(this.#longestMs, nowMs - this.#brokenAtMs);
    this.#longestMs = 0;
    return longestMs;
  }
}
