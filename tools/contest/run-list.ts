// The runs that are kept, as a table on the terminal.

import { faultsOf } from '../audit/audit.ts';
import { isContest } from './plan.ts';
import { milliseconds, money } from './printed.ts';
import type { Result } from './result.ts';
import { findRun, listRuns } from './runs.ts';

export async function listingOf(runs: string): Promise<string> {
  const names = await listRuns(runs);
  if (names.length === 0) return `no runs in ${runs}`;
  const rows = await Promise.all(
    names.map(async (name) =>
      findRun(runs, name)
        .then(({ result }) => rowOf(name, result))
        .catch((error: Error) => [name, error.message]),
    ),
  );
  return columns([['run', 'score', 'p99 ms', 'accepted', 'unsettled', 'verdict'], ...rows]);
}

function rowOf(name: string, result: Result): string[] {
  const { plan, score, latency, verdicts, unsettledAtEnd, faults } = result;
  const audited = faultsOf(result.audit).length === 0 ? 'audit holds' : 'AUDIT FAILS';
  const verdict = faults.length === 0 ? audited : `${audited}, ${faults.length} FAULTS`;
  return [
    name,
    isContest(plan) ? money(score.totalCents) : '–',
    milliseconds(latency.all.p99Ms),
    String(verdicts.accepted),
    String(unsettledAtEnd),
    (plan.scale === 1 ? '' : `scale ${plan.scale}, `) + verdict,
  ];
}

/** Left-aligned first column, the others right-aligned, but for the last. */
export function columns(rows: readonly (readonly string[])[]): string {
  const count = Math.max(...rows.map(({ length }) => length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(
      ...rows.filter(({ length }) => length === count).map((row) => row[column]?.length ?? 0),
    ),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          if (column === count - 1) return cell;
          const width = widths[column] ?? 0;
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
