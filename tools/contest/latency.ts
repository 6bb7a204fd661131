// Percentiles as k6 computes them.
import type { PaymentSample } from './run-log.ts';

export interface Latency {
  readonly count: number;
  /** null when nothing was measured. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
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
