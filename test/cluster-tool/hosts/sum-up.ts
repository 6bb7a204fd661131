// A program: makes a table of the files that were written with CLUSTER_TIMES. For each fault how
// often it happened, and least, median and most of each time.

import { readFileSync } from 'node:fs';
import type { FaultTimes } from './times.ts';

const paths = process.argv.slice(2);
if (paths.length === 0) {
  process.stderr.write('usage: node dist/test/cluster-tool/hosts/sum-up.js FILE…\n');
  process.exit(2);
}
const lines = paths.flatMap((path) => readFileSync(path, 'utf8').split('\n').filter(Boolean));
const runs = new Map<string, FaultTimes[]>();
for (const times of lines.map((line) => JSON.parse(line) as FaultTimes)) {
  runs.set(times.fault, [...(runs.get(times.fault) ?? []), times]);
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (part: number): string =>
    (sorted[Math.round(part * (sorted.length - 1))] as number).toFixed(digits);
  return sorted.length === 0 ? '–' : `${at(0)} / ${at(0.5)} / ${at(1)}`;
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
const head = ['fault', 'runs', 'any id', "the host's shards", 'other shards', '503', '503 again'];
process.stdout.write(row(head) + row(head.map(() => '---')));
for (const [fault, times] of runs) {
  const seconds = (name: 'allMs' | 'ownMs' | 'otherMs'): string => {
    const known = times.map((each) => each[name]).filter((value) => value !== null);
    return spread(
      known.map((value) => value / 1000),
      1,
    );
  };
  process.stdout.write(
    row([
      fault,
      String(times.length),
      seconds('allMs'),
      seconds('ownMs'),
      seconds('otherMs'),
      spread(
        times.map(({ refused }) => refused),
        0,
      ),
      spread(
        times.map(({ refusedAgain }) => refusedAgain),
        0,
      ),
    ]),
  );
}
