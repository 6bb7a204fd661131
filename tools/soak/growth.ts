// Whether something grew during a steady load, and didn't level off.
//
// The first third is the warm-up. The rest is cut into windows, and each one counts with its
// median: so outliers, and what comes and goes within a window, don't count. The slope through the
// medians is the median of the slopes between any two of them (Theil and Sen). It is growth if
//
//   1. it adds up to more than the tolerance,
//   2. it is no chance: enough pairs of windows rise (Mann and Kendall, one-sided, 1 %), and
//   3. it doesn't level off: in the second half of the windows it is at least half of what it is in
//      the first half. What approaches a limit falls below that, what leaks stays at one.

export interface Point {
  /** From the start. */
  readonly atMs: number;
  readonly value: number;
}

/** How much more is none: the larger one of a share of the level and a floor. */
export interface Tolerance {
  readonly share: number;
  readonly floor: number;
}

export interface Growth {
  readonly verdict: 'too short' | 'flat' | 'levels off' | 'grows';
  /** The median of the first three windows after the warm-up, and of the last three. */
  readonly from: number;
  readonly to: number;
}

const WARM_UP = 1 / 3;
const WINDOWS = 12;
const VALUES_MIN = 3;
/** The quantile of the normal distribution for 1 %. */
const CHANCE = 2.326;
const LEVELS_OFF = 0.5;

export function growthOf(points: readonly Point[], { share, floor }: Tolerance): Growth {
  const medians = mediansOf(points);
  if (medians === undefined) return { verdict: 'too short', from: Number.NaN, to: Number.NaN };
  const slope = slopeOf(medians);
  const level = medianOf(medians);
  const rise = slope * (WINDOWS - 1);
  const [from, to] = [medianOf(medians.slice(0, 3)), medianOf(medians.slice(-3))];
  const isSmall = rise <= Math.max(floor, share * Math.abs(level));
  if (isSmall || isChance(medians)) return { verdict: 'flat', from, to };
  const [first, second] = [medians.slice(0, WINDOWS / 2), medians.slice(WINDOWS / 2)].map(slopeOf);
  const levelsOff = (second ?? 0) <= LEVELS_OFF * (first ?? 0);
  return { verdict: levelsOff ? 'levels off' : 'grows', from, to };
}

/** Of windows of the same length; undefined where one has too few values. */
function mediansOf(points: readonly Point[]): readonly number[] | undefined {
  const endMs = points.at(-1)?.atMs ?? 0;
  const startMs = endMs * WARM_UP;
  const windows: number[][] = Array.from({ length: WINDOWS }, () => []);
  for (const { atMs, value } of points) {
    if (atMs < startMs) continue;
    const window = Math.floor((WINDOWS * (atMs - startMs)) / (endMs - startMs));
    windows[Math.min(window, WINDOWS - 1)]?.push(value);
  }
  return windows.every(({ length }) => length >= VALUES_MIN) ? windows.map(medianOf) : undefined;
}

/** Each later value less each earlier one, with how many windows lie in between. */
function pairsOf(values: readonly number[]): { readonly rise: number; readonly apart: number }[] {
  return values.flatMap((later, at) =>
    values.slice(0, at).map((earlier, before) => ({ rise: later - earlier, apart: at - before })),
  );
}

const slopeOf = (values: readonly number[]): number =>
  medianOf(pairsOf(values).map(({ rise, apart }) => rise / apart));

function isChance(values: readonly number[]): boolean {
  const count = values.length;
  const rising = pairsOf(values).reduce((sum, { rise }) => sum + Math.sign(rise), 0);
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  return (rising - 1) / deviation < CHANCE;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] as number;
  return (low + (sorted[Math.floor(middle)] as number)) / 2;
}
