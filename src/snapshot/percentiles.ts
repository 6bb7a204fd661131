// Percentiles out of a histogram's buckets.

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/**
 * The percentiles in milliseconds of the observations in `counts`, one per bucket of `boundsS` and
 * one for the rest; null without an observation. Within a bucket they are taken as spread evenly.
 */
export function percentilesMs(
  boundsS: readonly number[],
  counts: ArrayLike<number>,
): Percentiles | null {
  let all = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) all += counts[bucket] as number;
  if (all <= 0) return null;
  const at = (quantile: number): number => quantileMs(boundsS, counts, quantile * all);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

function quantileMs(boundsS: readonly number[], counts: ArrayLike<number>, rank: number): number {
  let below = 0;
  let lower = 0;
  for (const [bucket, upper] of boundsS.entries()) {
    const count = counts[bucket] as number;
    if (count > 0 && below + count >= rank) {
      const seconds = lower + ((upper - lower) * (rank - below)) / count;
      return Math.round(seconds * 10_000) / 10;
    }
    below += count;
    lower = upper;
  }
  // Beyond all bounds: at least the last one.
  return lower * 1_000;
}
