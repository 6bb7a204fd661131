// How long nothing was accepted: the longest time between two accepted payments, and the time since the last one.

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

  /** The longest one that ended since the last call or goes on now. */
  takeLongestMs(nowMs: number): number {
    const longestMs = Math.max(this.#longestMs, nowMs - this.#brokenAtMs);
    this.#longestMs = 0;
    return longestMs;
  }
}
