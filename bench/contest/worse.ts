// Whether a series is worse than the commit before it, beyond the noise. Two kinds of noise count:
// that of the runs (a rank test), and that of the hour, which all runs of a series share (series of
// one commit, and arms that are the same, are compared with each other: A/A).

import { medianOf } from '../../tools/contest/drift.ts';
import { quantile } from '../../tools/load/open-loop.ts';
import { FIGURES, type FigureName, type HistoryRun } from './history.ts';
import { leastChance, rankTest } from './rank-test.ts';

export interface Compared {
  readonly figure: string;
  /** The commit that it is compared with, and how many runs of each. */
  readonly commit: string;
  readonly runs: readonly [number, number];
  readonly before: number;
  readonly now: number;
  /** Of `before`. */
  readonly change: number;
  /** By A/A, of the value: NaN without any. */
  readonly noise: number;
  readonly chance: number;
  readonly verdict:
    | 'worse beyond the noise'
    | 'better beyond the noise'
    | 'within the noise'
    | 'too few runs to tell';
}

const NAMES = Object.keys(FIGURES) as FigureName[];
/** Of being called worse or better by chance, over all figures. */
const CHANCE_MAX = 0.05;
const BEFORE_RUNS_MAX = 20;
/** So many of a hundred A/A differences are smaller than what is called the noise. */
const NOISE_QUANTILE = 0.9;
/** The same as `ours`, beside it. */
const AGAIN: Readonly<Record<string, string>> = { again: 'ours' };

/** `history` has the series too. Why there is nothing to compare, if so. */
export function compareWithHistory(
  history: readonly HistoryRun[],
  { series, arm }: { readonly series: string; readonly arm: string },
): Compared[] | string {
  const usable = history.filter(({ disturbed }) => disturbed.length === 0);
  const now = usable.filter((run) => run.series === series && run.arm === arm);
  const [sample] = now;
  if (sample === undefined) return 'every run was disturbed, so nothing is compared';
  const alike = usable.filter(
    ({ test, machine }) => test === sample.test && machine === sample.machine,
  );
  const before = runsBefore(alike, sample);
  const [{ commit } = { commit: '' }] = before;
  if (before.length === 0) return 'no undisturbed run of an earlier commit on this machine';
  const isOfFloor = [...now, ...before].every((run) => floorOf(usable, run) !== undefined);
  return NAMES.map((name) => {
    const ofFloor = isOfFloor && FIGURES[name].ofFloor;
    const values = (runs: readonly HistoryRun[]): number[] =>
      runs.map(
        (run) => run.figures[name] / (ofFloor ? (floorOf(usable, run)?.figures[name] ?? 1) : 1),
      );
    const noises = sameTwice(alike).flatMap((pair) => {
      if (ofFloor && pair.flat().some((run) => floorOf(usable, run) === undefined)) return [];
      return Math.abs(
        changeOf(...(pair.map((runs) => medianOf(values(runs))) as [number, number])),
      );
    });
    const [old, recent] = [values(before), values(now)];
    const text = `${FIGURES[name].name}${ofFloor ? ' ÷ floor' : ''}`;
    return { ...verdictOf(name, old, recent, noiseOf(noises)), figure: text, commit };
  });
}

const changeOf = (before: number, now: number): number =>
  before === now ? 0 : (now - before) / Math.abs(before);

const noiseOf = (differences: readonly number[]): number =>
  quantile(
    differences.toSorted((a, b) => a - b),
    NOISE_QUANTILE,
  );

function verdictOf(
  name: FigureName,
  old: readonly number[],
  recent: readonly number[],
  noise: number,
): Omit<Compared, 'figure' | 'commit'> {
  const [before, now] = [medianOf(old), medianOf(recent)];
  const change = changeOf(before, now);
  const chance = rankTest(old, recent);
  const allowed = CHANCE_MAX / NAMES.length;
  const isMore = FIGURES[name].isMoreBetter ? change > 0 : change < 0;
  const isBeyond = chance <= allowed && !(Math.abs(change) <= noise);
  const beyond = isMore ? 'better beyond the noise' : 'worse beyond the noise';
  const isTooFew = leastChance(old.length, recent.length) > allowed;
  const verdict = isTooFew ? 'too few runs to tell' : isBeyond ? beyond : 'within the noise';
  return { runs: [old.length, recent.length], before, now, change, noise, chance, verdict };
}

/** The floor's run in the same round. */
const floorOf = (history: readonly HistoryRun[], { series, round }: HistoryRun) =>
  history.find((run) => run.arm === 'floor' && run.series === series && run.round === round);

/**
 * Those of the latest commit before: another one, or where files differ now the same one. Runs of a
 * checkout whose files differed from its commit are nobody's "before".
 */
function runsBefore(alike: readonly HistoryRun[], now: HistoryRun): readonly HistoryRun[] {
  const candidates = alike.filter(
    ({ series, arm, commit, isDirty }) =>
      series < now.series && arm === now.arm && !isDirty && (now.isDirty || commit !== now.commit),
  );
  const commit = candidates.at(-1)?.commit;
  return candidates.filter((run) => run.commit === commit).slice(-BEFORE_RUNS_MAX);
}

/** Pairs of sets of runs that differ by nothing but the time, or the turn, of their runs. */
function sameTwice(alike: readonly HistoryRun[]): (readonly [HistoryRun[], HistoryRun[]])[] {
  const sets = new Map<string, HistoryRun[][]>();
  const grouped = new Map<string, HistoryRun[]>();
  for (const run of alike.filter(({ arm, isDirty }) => arm !== 'floor' && !isDirty)) {
    const key = `${run.series} ${run.arm}`;
    const group = grouped.get(key);
    if (group) group.push(run);
    else {
      const runs = [run];
      grouped.set(key, runs);
      const same = `${run.commit} ${AGAIN[run.arm] ?? run.arm}`;
      sets.set(same, [...(sets.get(same) ?? []), runs]);
    }
  }
  return [...sets.values()].flatMap((list) =>
    list.slice(1).map((runs, index) => [list[index] as HistoryRun[], runs] as const),
  );
}
