// Whether a processor or the ledger is slow: it works, and takes a second or longer to answer. The
// latest delay counts for a while after it was seen; what nobody uses is not slow.

/** Half of LEDGER_TIMEOUT_MS, and far more than a processor takes that is well. */
const SLOW_MS = 1_000;
/** A delay counts for this long, or for so many delays: a slow processor is used less often. */
const COUNTS_MS = 10_000;
const COUNTS_DELAYS = 6;

interface Observed {
  /** The delay of the latest answer, or how long one has been awaited, whichever is longer. */
  readonly delayMs: number;
  /** Answers since the start. */
  readonly answers: number;
  readonly isUsed: boolean;
}

export class Slowness {
  isSlow = false;
  #answers = 0;
  #seenMs = Number.NEGATIVE_INFINITY;

  /** Call it about once a second. `nowMs` is monotonic. */
  update({ delayMs, answers, isUsed }: Observed, nowMs: number): void {
    if (isUsed || answers !== this.#answers) this.#seenMs = nowMs;
    this.#answers = answers;
    const countsMs = Math.max(COUNTS_MS, COUNTS_DELAYS * delayMs);
    this.isSlow = delayMs >= SLOW_MS && nowMs - this.#seenMs < countsMs;
  }
}
