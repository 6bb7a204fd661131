// Looks for the highest rate that holds: it doubles the rate until one fails, and then halves the
// gap between the highest that held and the lowest that failed.

export interface Search {
  readonly first: number;
  /** Ends when the gap is at most this share of the rate that held. */
  readonly gap: number;
  /** Ends after so many runs, however wide the gap is. */
  readonly runsMax: number;
}

export interface Tried {
  readonly rate: number;
  readonly holds: boolean;
}

/** Rates are multiples of this. */
const STEP = 50;

/**
 * The next rate to try after these; undefined when the search is over. A rate that was tried more
 * than once holds if its last run did.
 */
export function nextRate(
  { first, gap, runsMax }: Search,
  tried: readonly Tried[],
): number | undefined {
  if (tried.length >= runsMax) return undefined;
  if (tried.length === 0) return first;
  const held = highestHeld(tried);
  const failed = lowestFailed(tried);
  if (failed === undefined) return held === undefined ? first : 2 * held;
  // Not even the first rate: below it, half by half.
  if (held === undefined) return failed > STEP ? rounded(failed / 2) : undefined;
  const next = rounded((held + failed) / 2);
  if (failed - held <= gap * held || next <= held || next >= failed) return undefined;
  return next;
}

const rounded = (rate: number): number => Math.max(STEP, Math.round(rate / STEP) * STEP);

/** Below every rate that failed: a rate that held above one that failed was luck. */
export function highestHeld(tried: readonly Tried[]): number | undefined {
  const failed = lowestFailed(tried) ?? Infinity;
  const rates = [...verdicts(tried)].filter(([rate, holds]) => holds && rate < failed);
  return rates.length === 0 ? undefined : Math.max(...rates.map(([rate]) => rate));
}

function lowestFailed(tried: readonly Tried[]): number | undefined {
  const rates = [...verdicts(tried)].filter(([, holds]) => !holds).map(([rate]) => rate);
  return rates.length === 0 ? undefined : Math.min(...rates);
}

const verdicts = (tried: readonly Tried[]): ReadonlyMap<number, boolean> =>
  new Map(tried.map(({ rate, holds }) => [rate, holds]));
