// Whether a rate is sustained: each payment's own times are compared with what was promised.

import { quantile } from '../../tools/load/open-loop.ts';

/** What "sustained" means. */
export const PROMISED = { p99Ms: 10, chargedMs: 1_000, recordedMs: 2_000 } as const;

/** Of each accepted payment; in any order. */
export interface Accepted {
  readonly acceptedAtMs: number;
  /** undefined: at no processor. */
  readonly chargedAtMs: number | undefined;
  /** An upper bound; undefined: not in the ledger. */
  readonly recordedByMs: number | undefined;
}

export interface Times {
  /** The latency of the 202. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the 202 to the charge; 0 where the charge came first. */
  readonly charge: Lag;
  /** From the 202 to the first look that saw it committed. */
  readonly record: Lag;
}

export interface Lag {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  /** Later than promised, or never. */
  readonly late: number;
}

/** `latenciesMs`: of all answered payments. */
export function timesOf(latenciesMs: Float32Array, accepted: readonly Accepted[]): Times {
  const sorted = latenciesMs.toSorted();
  const lag = (of: (payment: Accepted) => number | undefined, promisedMs: number): Lag => {
    const lags = accepted.map((payment) => {
      const atMs = of(payment);
      return atMs === undefined ? Infinity : Math.max(0, atMs - payment.acceptedAtMs);
    });
    const inOrder = Float64Array.from(lags).toSorted();
    return {
      p50Ms: quantile(inOrder, 0.5),
      p99Ms: quantile(inOrder, 0.99),
      mostMs: inOrder.at(-1) ?? Number.NaN,
      late: lags.filter((ms) => ms > promisedMs).length,
    };
  };
  return {
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    charge: lag(({ chargedAtMs }) => chargedAtMs, PROMISED.chargedMs),
    record: lag(({ recordedByMs }) => recordedByMs, PROMISED.recordedMs),
  };
}

/** Why the rate isn't sustained, in words; none if it is. `statuses`: how many of each. */
export function reasonsOf(times: Times, statuses: ReadonlyMap<number, number>): string[] {
  const { p99Ms, charge, record } = times;
  const reasons = [...statuses]
    .filter(([status]) => status !== 202)
    .map(([status, count]) =>
      status === 0 ? `${count} without an answer` : `${count} × ${status}`,
    );
  if (!(p99Ms < PROMISED.p99Ms)) reasons.push(`p99 ${p99Ms.toFixed(1)} ms`);
  if (charge.late > 0) reasons.push(`${charge.late} charged after more than 1 s`);
  if (record.late > 0) reasons.push(`${record.late} recorded after more than 2 s`);
  return reasons;
}
