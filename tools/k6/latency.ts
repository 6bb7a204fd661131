// Percentiles the way k6 takes them, and the run second by second.
import type { PaymentSample } from './run-log.ts';

export interface Latency {
  readonly count: number;
  /** null when nothing was measured. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface Second {
  readonly second: number;
  readonly accepted: number;
  readonly refused: number;
  readonly unknown: number;
  /** Over the accepted ones. */
  readonly p99Ms: number | null;
}

/** Linear between the two nearest ranks, as k6 does; `sorted` is ascending. */
export function percentile(sorted: readonly number[], fraction: number): number | null {
  const rank = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  if (below === undefined || above === undefined) return null;
  return below + (above - below) * (rank - Math.floor(rank));
}

export function latencyOf(durationsMs: readonly number[]): Latency {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p90Ms: percentile(sorted, 0.9),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
  };
}

/** When the first payment was sent. */
export const startOf = (payments: readonly PaymentSample[]): number =>
  payments.reduce((earliest, { sentAtMs }) => Math.min(earliest, sentAtMs), Infinity);

/** One entry for every second from the first payment's to the last one's. */
export function secondsOf(payments: readonly PaymentSample[]): Second[] {
  const startMs = startOf(payments);
  const buckets: PaymentSample[][] = [];
  for (const payment of payments) {
    const second = Math.floor((payment.sentAtMs - startMs) / 1_000);
    while (buckets.length <= second) buckets.push([]);
    buckets[second]?.push(payment);
  }
  return buckets.map((bucket, second) => {
    const accepted = bucket.filter(({ verdict }) => verdict === 'accepted');
    const refused = bucket.filter(({ verdict }) => verdict === 'refused').length;
    return {
      second,
      accepted: accepted.length,
      refused,
      unknown: bucket.length - accepted.length - refused,
      p99Ms: latencyOf(accepted.map(({ durationMs }) => durationMs)).p99Ms,
    };
  });
}
