// A run over time, for graphs: windows of the payments by when they were sent, and samples of the
// processors and of the parts. A long run has longer windows, so a report has a bounded size.

import type { Pair } from '../audit/totals.ts';
import { percentile } from './latency.ts';
import type { PaymentSample } from './run-log.ts';
import type { PartUsage, Sample } from './sampler.ts';

interface Window {
  /** Its start, from the first payment. */
  readonly atMs: number;
  readonly sent: number;
  readonly accepted: number;
  /** Of the accepted payments, each status or error of k6 that is no acceptance. */
  readonly failed: Readonly<Record<string, number>>;
  /** Of the accepted payments; null when there was none. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Point {
  /** From the first payment. */
  readonly atMs: number;
  /**
   * Payments that the system had taken then: accepted until then, or sent until then without an
   * answer that says so, and charged in the end.
   */
  readonly taken: number;
  /** Payments that the processors held then; null when one of them didn't answer. */
  readonly charged: Pair<number> | null;
  readonly usage: Readonly<Record<string, PartUsage>>;
  /** Of all cores of the machine, whoever uses them: 200 when two are busy; null at first. */
  readonly machineCpuPercent: number | null;
}

export interface Series {
  readonly everyMs: number;
  readonly windows: readonly Window[];
  readonly points: readonly Point[];
  /** Accepted payments by how long their answers took: so many below each bound. */
  readonly histogram: readonly Bar[];
}

export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Taken and not charged yet; null when a processor didn't answer. */
export const backlogAt = ({ taken, charged }: Point): number | null =>
  charged === null ? null : Math.max(0, taken - charged[0] - charged[1]);

/** null without values. */
export const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

export const machineCpuMean = ({ points }: Series): number | null =>
  meanOf(points.flatMap(({ machineCpuPercent }) => machineCpuPercent ?? []));

/** CPU of the parts and of the load together, in % of one core. */
export const oursAt = ({ usage }: Point): number =>
  Object.values(usage).reduce((sum, { cpuPercent }) => sum + (cpuPercent ?? 0), 0);

/** CPU of all other programs: the noise. */
export const othersAt = (point: Point): number | null =>
  point.machineCpuPercent === null ? null : Math.max(0, point.machineCpuPercent - oursAt(point));

export const othersCpuMean = ({ points }: Series): number | null =>
  meanOf(points.flatMap((point) => othersAt(point) ?? []));

const WINDOWS_MAX = 300;
const SECOND_MS = 1_000;
const BARS_PER_DOUBLING = 4;

interface Times {
  /** Since the epoch, like `Sample.atMs`. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Ids of unknown outcome that a processor holds in the end. */
  readonly unknownCharged: ReadonlySet<string>;
}

/** `payments` in any order. */
export function seriesOf(
  payments: readonly PaymentSample[],
  samples: readonly Sample[],
  { startMs, durationMs, unknownCharged }: Times,
): Series {
  const seconds = Math.max(1, Math.ceil(durationMs / SECOND_MS / WINDOWS_MAX));
  const everyMs = seconds * SECOND_MS;
  const accepted = payments.filter(({ verdict }) => verdict === 'accepted');
  const takenAtMs = payments.flatMap(({ id, verdict, sentAtMs, durationMs: tookMs }) => {
    if (verdict === 'accepted') return [sentAtMs + tookMs];
    return unknownCharged.has(id) ? [sentAtMs] : [];
  });
  return {
    everyMs,
    windows: windowsOf(payments, startMs, everyMs),
    points: pointsOf(Float64Array.from(takenAtMs).toSorted(), samples, { startMs, everyMs }),
    histogram: histogramOf(accepted.map(({ durationMs: tookMs }) => tookMs)),
  };
}

function windowsOf(payments: readonly PaymentSample[], startMs: number, everyMs: number): Window[] {
  const sets: (PaymentSample[] | undefined)[] = [];
  for (const payment of payments) {
    (sets[Math.floor((payment.sentAtMs - startMs) / everyMs)] ??= []).push(payment);
  }
  return Array.from(sets, (set = [], index) => {
    const failed: Record<string, number> = {};
    for (const { answer, verdict } of set) {
      if (verdict !== 'accepted') failed[answer] = (failed[answer] ?? 0) + 1;
    }
    const durationsMs = set
      .filter(({ verdict }) => verdict === 'accepted')
      .map(({ durationMs }) => durationMs)
      .toSorted((one, other) => one - other);
    return {
      atMs: index * everyMs,
      sent: set.length,
      accepted: durationsMs.length,
      failed,
      p50Ms: percentile(durationsMs, 0.5),
      p90Ms: percentile(durationsMs, 0.9),
      p99Ms: percentile(durationsMs, 0.99),
    };
  });
}

/** `takenAtMs` is ascending. */
function pointsOf(
  takenAtMs: Float64Array,
  samples: readonly Sample[],
  { startMs, everyMs }: { readonly startMs: number; readonly everyMs: number },
): Point[] {
  const points: Point[] = [];
  let count = 0;
  for (const { atMs, charged, usage, machineCpuPercent } of samples) {
    if (atMs < startMs) continue;
    while ((takenAtMs[count] ?? Infinity) <= atMs) count++;
    const last = points.at(-1);
    // A little early is near enough: the clock that takes samples has some jitter.
    if (last !== undefined && atMs - startMs - last.atMs < 0.9 * everyMs) continue;
    points.push({ atMs: atMs - startMs, taken: count, charged, usage, machineCpuPercent });
  }
  return points;
}

/** Bars of equal width on a logarithmic scale, from the shortest answer to the longest. */
function histogramOf(durationsMs: readonly number[]): Bar[] {
  const counts = new Map<number, number>();
  for (const ms of durationsMs) {
    const bar = Math.floor(Math.log2(Math.max(ms, 0.01)) * BARS_PER_DOUBLING);
    counts.set(bar, (counts.get(bar) ?? 0) + 1);
  }
  const bars = [...counts.keys()];
  const first = Math.min(...bars);
  const length = bars.length === 0 ? 0 : Math.max(...bars) - first + 1;
  return Array.from({ length }, (_, index) => ({
    fromMs: 2 ** ((first + index) / BARS_PER_DOUBLING),
    toMs: 2 ** ((first + index + 1) / BARS_PER_DOUBLING),
    count: counts.get(first + index) ?? 0,
  }));
}
