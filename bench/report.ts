// How results are written: medians with their minimum and maximum, in Markdown tables.

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
