// Whether two small sets of values differ by more than chance: Wilcoxon's rank sum test, exact. It
// needs no normal distribution, and an outlier weighs no more than its rank.

/** How likely ranks that differ so much are, in either direction, if both sets are alike. */
export function rankTest(one: readonly number[], other: readonly number[]): number {
  const ranks = doubledRanks([...one, ...other]);
  const observed = ranks.slice(0, one.length).reduce((sum, rank) => sum + rank, 0);
  const ways = sumsOf(ranks, one.length);
  let [all, above, below] = [0, 0, 0];
  for (const [sum, count] of ways) {
    all += count;
    if (sum >= observed) above += count;
    if (sum <= observed) below += count;
  }
  return Math.min(1, (2 * Math.min(above, below)) / all);
}

/** The least that `rankTest` can give for so many values. */
export const leastChance = (one: number, other: number): number =>
  rankTest(
    Array.from({ length: one }, (_, index) => index),
    Array.from({ length: other }, (_, index) => one + index),
  );

/** Equal values share the mean of their ranks; doubled, it is whole. */
function doubledRanks(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return values.map((value) => sorted.indexOf(value) + sorted.lastIndexOf(value) + 2);
}

/** In how many ways `size` of the ranks have each sum. */
function sumsOf(ranks: readonly number[], size: number): ReadonlyMap<number, number> {
  const ways = Array.from({ length: size + 1 }, () => new Map<number, number>());
  ways[0]?.set(0, 1);
  for (const rank of ranks) {
    for (let chosen = size; chosen > 0; chosen--) {
      for (const [sum, count] of ways[chosen - 1] ?? []) {
        const to = ways[chosen] as Map<number, number>;
        to.set(sum + rank, (to.get(sum + rank) ?? 0) + count);
      }
    }
  }
  return ways[size] ?? new Map();
}
