// Whether something grew during a steady load: the first third of the run is compared with the
// last. What is left out is the warm-up, a tenth of the run.

import type { Series } from './series.ts';

export interface Drift {
  /** "p99 in ms", "memory of instance 0 in MiB". */
  readonly what: string;
  /** The median of the first third after the warm-up, and its largest value: the noise. */
  readonly first: number;
  readonly firstMost: number;
  readonly last: number;
  readonly isDrift: boolean;
}

const WARM_UP = 0.1;
/** The last third's median must be this much above everything in the first third. */
const BEYOND = 1.1;
/** With less there is no telling. */
const VALUES_MIN = 30;
const MIB = 2 ** 20;

/** p99, and the memory of each part. Empty for a run that is too short. */
export function driftsOf({ windows, points }: Series): Drift[] {
  const p99 = windows.flatMap(({ p99Ms }) => (p99Ms === null ? [] : [p99Ms]));
  const parts = new Set(points.flatMap(({ usage }) => Object.keys(usage)));
  const memory = [...parts]
    // The load's own processes hold each id that they sent, so they grow.
    .filter((part) => !part.includes('k6') && !part.includes('processor'))
    .map((part) => {
      const values = points.flatMap(({ usage }) => usage[part]?.memoryBytes ?? []);
      return driftOf(
        `memory of ${part} in MiB`,
        values.map((bytes) => bytes / MIB),
      );
    });
  return [driftOf('p99 in ms', p99), ...memory].filter((drift) => drift !== null);
}

function driftOf(what: string, values: readonly number[]): Drift | null {
  const warm = values.slice(Math.floor(values.length * WARM_UP));
  if (warm.length < VALUES_MIN) return null;
  const third = Math.floor(warm.length / 3);
  const [before, after] = [warm.slice(0, third), warm.slice(-third)];
  const firstMost = Math.max(...before);
  const last = medianOf(after);
  return { what, first: medianOf(before), firstMost, last, isDrift: last > firstMost * BEYOND };
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
