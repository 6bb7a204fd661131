// The periods that sums are kept for, and how a range of time is made of them.
//
//   range  ├─rows─┤├s s s┤├ minutes ┤├── hours ──┤├──── days ────┤├ hours ┤├ minutes ┤├s s┤├rows┤
//
// Whatever the range, few sums are read: at most 23 hours, 59 minutes and 59 seconds at each end,
// and one for each whole day between them.

import type { TimeRange } from './reader.ts';

/** Lengths in seconds. Each is a multiple of the one before it. */
export const PERIODS = [1, 60, 3_600, 86_400] as const;

export type Period = (typeof PERIODS)[number];

export const PERIOD_NAMES: Readonly<Record<Period, string>> = {
  1: 'second',
  60: 'minute',
  3_600: 'hour',
  86_400: 'day',
};

/** What a comparison calls it. */
export const wrongSumOf = (period: Period): string =>
  `wrong sum of a${period === 3_600 ? 'n' : ''} ${PERIOD_NAMES[period]}`;

/** All periods of this length that begin in [fromS, toS), in seconds since the epoch. */
interface PeriodsBetween {
  readonly period: Period;
  readonly fromS: number;
  readonly toS: number;
}

export interface SplitRange {
  readonly periods: readonly PeriodsBetween[];
  /** The whole seconds, [fromS, toS): what `periods` cover together. */
  readonly fromS: number;
  readonly toS: number;
  /** The parts of a second at both ends; both ends included, in milliseconds. */
  readonly edges: readonly TimeRange[];
}

const MS = 1_000;

/** Splits a range so that each of its milliseconds is in one part. */
export function splitRange({ fromMs, toMs }: TimeRange): SplitRange {
  const fromS = Math.ceil(fromMs / MS);
  const toS = Math.floor((toMs + 1) / MS);
  // A range within one second.
  if (fromS > toS) return { periods: [], fromS, toS: fromS, edges: edgesOf([[fromMs, toMs]]) };
  const edges = edgesOf([
    [fromMs, fromS * MS - 1],
    [toS * MS, toMs],
  ]);
  return { periods: periodsIn(fromS, toS, PERIODS.length - 1), fromS, toS, edges };
}

function edgesOf(ends: readonly (readonly [number, number])[]): TimeRange[] {
  return ends
    .filter(([fromMs, toMs]) => fromMs <= toMs)
    .map(([fromMs, toMs]) => ({ fromMs, toMs }));
}

/** The longest periods that fit, and what is left before and after them in shorter ones. */
function periodsIn(fromS: number, toS: number, longest: number): PeriodsBetween[] {
  const period = PERIODS[longest];
  if (period === undefined || fromS >= toS) return [];
  const firstS = Math.ceil(fromS / period) * period;
  const endS = Math.floor(toS / period) * period;
  if (firstS >= endS) return periodsIn(fromS, toS, longest - 1);
  return [
    ...periodsIn(fromS, firstS, longest - 1),
    { period, fromS: firstS, toS: endS },
    ...periodsIn(endS, toS, longest - 1),
  ];
}
