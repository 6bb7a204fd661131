// Two runs side by side: each figure, its difference, and what can be said about its noise.

import { isContest } from './plan.ts';
import type { Result } from './result.ts';
import { medianOf } from './drift.ts';
import { backlogAt, machineCpuMean, meanOf } from './series.ts';

export interface Row {
  readonly what: string;
  /** How it is written: whole, with two digits, or as money. */
  readonly as: 'count' | 'ms' | 'cents' | 'percent';
  readonly a: number | null;
  readonly b: number | null;
  /** b − a; null when one is missing. */
  readonly difference: number | null;
  /** Whether the difference is more than noise, as far as the two runs can say. */
  readonly noise: string;
}

/** What must be the same for two runs to be comparable; the first that isn't, in words. */
export function mismatchOf(a: Result, b: Result): string | null {
  const pairs: readonly (readonly [string, string, string])[] = [
    ['test', a.plan.name, b.plan.name],
    ['scale', String(a.plan.scale), String(b.plan.scale)],
    ['length in ms', String(a.plan.durationMs), String(b.plan.durationMs)],
    ['load', loadOf(a), loadOf(b)],
    ['amount in cents', String(a.plan.amountCents), String(b.plan.amountCents)],
    ['state', stateOf(a), stateOf(b)],
  ];
  const other = pairs.find(([, one, two]) => one !== two);
  if (other !== undefined) return `the ${other[0]} is ${other[1]} and ${other[2]}`;
  const isSame = JSON.stringify(a.plan.stages) === JSON.stringify(b.plan.stages);
  return isSame ? null : 'the stages differ';
}

const loadOf = ({ plan: { rates, usersMax } }: Result): string =>
  rates === null ? `${usersMax} users` : rates.map((step) => `${step.perSecond}/s`).join(', ');

const stateOf = ({ isPartial }: Result): string => (isPartial ? 'partial' : 'whole');

const SIBLINGS_MIN = 3;

/** Of `kept`, the runs of A's commit and test, A among them: they differ by noise alone. */
const siblingsOf = (a: Result, kept: readonly Result[]): Result[] =>
  kept.filter((run) => {
    const { commit, isDirty } = run.surroundings;
    const isSame = commit === a.surroundings.commit && !isDirty && !a.surroundings.isDirty;
    return isSame && mismatchOf(a, run) === null;
  });

/** `values` are those of A's siblings. */
function rangeWord(values: readonly number[], b: number): string {
  if (values.length < SIBLINGS_MIN) return 'one value of each run: not known';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const range = `${least.toFixed(2)} to ${most.toFixed(2)} in ${values.length} runs of A's commit`;
  return `${range}: B is ${b < least || b > most ? 'outside' : 'within'}`;
}

/** `kept` are other runs: those of A's commit show how much a figure changes by itself. */
export function rowsOf(a: Result, b: Result, kept: readonly Result[]): Row[] {
  const siblings = siblingsOf(a, kept);
  const row = (what: string, as: Row['as'], of: (run: Result) => number | null): Row => {
    const [one, two] = [of(a), of(b)];
    if (one === null || two === null) {
      return { what, as, a: one, b: two, difference: null, noise: 'missing in one' };
    }
    const scale = as === 'cents' ? 100 : 1;
    const values = siblings.flatMap((run) => of(run) ?? []).map((value) => value / scale);
    const noise = one === two ? 'equal' : rangeWord(values, two / scale);
    return { what, as, a: one, b: two, difference: two - one, noise };
  };
  const latency = (name: 'p50Ms' | 'p90Ms' | 'p99Ms'): Row => ({
    ...row(`${name.slice(0, 3)} of accepted payments`, 'ms', (run) => run.latency.payments[name]),
    noise: windowsWord(a, b, name),
  });
  const scored = isContest(a.plan) && isContest(b.plan);
  return [
    ...(scored
      ? [
          row('score', 'cents', ({ score }) => score.totalCents),
          row('bonus', 'percent', ({ score }) => score.bonusPercent),
          row('fees', 'cents', ({ score }) => score.feeCents),
          row('fine', 'cents', ({ score }) => score.fineCents),
        ]
      : []),
    row('p99 of all requests', 'ms', ({ latency: { all } }) => all.p99Ms),
    latency('p50Ms'),
    latency('p90Ms'),
    latency('p99Ms'),
    row('slowest payment', 'ms', (run) => run.latency.payments.maxMs),
    row('accepted', 'count', ({ verdicts }) => verdicts.accepted),
    row('refused', 'count', ({ verdicts }) => verdicts.refused),
    row('unknown', 'count', ({ verdicts }) => verdicts.unknown),
    row('largest backlog', 'count', largestBacklog),
    row('not settled at the end', 'count', ({ unsettledAtEnd }) => unsettledAtEnd),
    row('lost or charged twice', 'count', ({ audit }) => audit.lost.length + audit.twice.length),
    row('faults', 'count', ({ faults }) => faults.length),
    row('CPU of the whole machine, mean', 'percent', ({ series }) => machineCpuMean(series)),
    ...partRows(a, b, row),
  ];
}

const partsOf = ({ series }: Result): string[] =>
  series.points.flatMap(({ usage }) => Object.keys(usage));

function mostMib({ series }: Result, part: string): number | null {
  const bytes = series.points.flatMap(({ usage }) => usage[part]?.memoryBytes ?? []);
  return bytes.length === 0 ? null : Math.max(...bytes) / 2 ** 20;
}

const meanCpu = ({ series }: Result, part: string): number | null =>
  meanOf(series.points.flatMap(({ usage }) => usage[part]?.cpuPercent ?? []));

function partRows(
  a: Result,
  b: Result,
  row: (what: string, as: Row['as'], of: (run: Result) => number | null) => Row,
): Row[] {
  const parts = [...new Set([...partsOf(a), ...partsOf(b)])];
  return parts.flatMap((part) => [
    row(`CPU of ${part}, mean`, 'percent', (run) => meanCpu(run, part)),
    row(`memory of ${part}, most, MiB`, 'count', (run) => mostMib(run, part)),
  ]);
}

function largestBacklog({ series }: Result): number | null {
  const backlogs = series.points.flatMap((point) => backlogAt(point) ?? []);
  return backlogs.length === 0 ? null : Math.max(...backlogs);
}

const WINDOWS_MIN = 10;
/** A difference that chance would show in one of so many pairs of equal runs. */
const CHANCE = 100;

/**
 * The windows of both runs are compared pair by pair. If equal runs would hardly lean to one side
 * so often (a sign test), the difference is in most of the run, not in a few seconds of it.
 */
export function windowsWord(a: Result, b: Result, name: 'p50Ms' | 'p90Ms' | 'p99Ms'): string {
  const theirs = new Map(b.series.windows.map((window) => [window.atMs, window]));
  const differences = a.series.windows.flatMap((window) => {
    const [one, two] = [window[name], theirs.get(window.atMs)?.[name] ?? null];
    return one === null || two === null || one === two ? [] : two - one;
  });
  if (differences.length < WINDOWS_MIN) return 'too few windows to tell';
  const slower = differences.filter((difference) => difference > 0).length;
  const side = Math.max(slower, differences.length - slower);
  const where = `${slower > side - 1 ? 'B slower' : 'B faster'} in ${side} of ${differences.length} windows`;
  const middle = `median ${medianOf(differences).toFixed(2)} ms`;
  const isBeyond = signTest(side, differences.length) < 1 / CHANCE;
  return `${where}, ${middle}: ${isBeyond ? 'beyond the noise within the runs' : 'within the noise'}`;
}

/** How likely at least `side` of `count` fall on one side, whichever, if both are as likely. */
export function signTest(side: number, count: number): number {
  // Sums of binomial coefficients over 2^count, in logarithms: count may be 300.
  let logChoose = 0;
  let tail = 0;
  for (let chosen = 0; chosen <= count - side; chosen++) {
    if (chosen > 0) logChoose += Math.log((count - chosen + 1) / chosen);
    tail += Math.exp(logChoose - count * Math.LN2);
  }
  return Math.min(1, 2 * tail);
}
