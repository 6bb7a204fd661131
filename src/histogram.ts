// A histogram in fixed buckets. Observing allocates nothing.

/** Upper bounds in seconds: 1 ms to 30 s, about three per decade. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30] as const;

export class Histogram {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** Observations per bucket, the last one beyond all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  /** Without `bounds` it is one of durations, in seconds. */
  constructor(bounds: readonly number[] = SECONDS) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }

  observeMs(durationMs: number): void {
    this.observe(durationMs / 1_000);
  }
}
