// How arms are measured, in turn and in several rounds, and how the results are printed: medians
// with their minimum and maximum, in Markdown tables.

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** "median (minimum to maximum)". */
export function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const of = (value: number | undefined): string => (value ?? Number.NaN).toFixed(digits);
  return `${of(sorted[sorted.length >> 1])} (${of(sorted[0])} to ${of(sorted.at(-1))})`;
}

/** The results of each arm, one a round. Prints each as it comes. */
export async function measureInTurn<Arm, Result>(
  arms: Readonly<Record<string, Arm>>,
  rounds: number,
  measure: (arm: Arm) => Promise<Result>,
  textOf: (result: Result, arm: string) => string = (result) => JSON.stringify(result),
): Promise<ReadonlyMap<string, readonly Result[]>> {
  const measured = new Map<string, Result[]>(Object.keys(arms).map((arm) => [arm, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [name, arm] of Object.entries(arms)) {
      const result = await measure(arm);
      measured.get(name)?.push(result);
      console.error(`round ${round}, ${name}: ${textOf(result, name)}`);
    }
  }
  return measured;
}
