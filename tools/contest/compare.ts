// `npm run k6:compare`: what differs between two runs of `npm run k6`.

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { endWithUsage, readCommandLine, wrapped, type Command } from '../command-line.ts';
import { makeDirectory } from '../system/make-directory.ts';
import { RUNS } from './command.ts';
import { mismatchOf, rowsOf } from './difference.ts';
import { cellsOf, comparePage, HEAD, NOISE_ABOUT } from './page/compare-page.ts';
import { columns } from './run-list.ts';
import { findRun, listRuns, RunError } from './runs.ts';

const RUN =
  "a run: the path of its folder or of its result.json, its name or the name's start, last or " +
  'previous (npm run k6 -- --list shows the runs)';

const COMMAND = {
  name: 'k6:compare',
  does:
    'Compares two runs of npm run k6: a table with each figure of both, their difference and what ' +
    'can be said of its noise, and a page with the graphs of both.',
  takes: 'Takes a second.',
  words: {
    a: { about: RUN },
    b: { about: 'the run that it is compared with, named likewise', otherwise: 'last' },
  },
  options: {
    'different-tests': { about: 'compares them even if the tests differ', preset: false },
    report: { about: 'directory of the runs', preset: RUNS },
    page: { about: 'the page', otherwise: 'compare/<A>--<B>.html in the directory of the runs' },
  },
  ends: { 0: 'the runs were compared', 2: 'they could not be' },
} as const satisfies Command;

const values = readCommandLine(COMMAND);
try {
  const [a, b] = [
    await findRun(values.report, values.a),
    await findRun(values.report, values.b ?? 'last'),
  ];
  const mismatch = mismatchOf(a.result, b.result);
  if (mismatch !== null && !values['different-tests']) {
    throw new RunError(`these are different tests: ${mismatch}. --different-tests compares them`);
  }
  const names = await listRuns(values.report);
  const found = await Promise.all(
    names.map((name) => findRun(values.report, name).catch(() => undefined)),
  );
  const kept = found.flatMap((run) => run?.result ?? []);
  const rows = rowsOf(a.result, b.result, kept);
  const page = values.page ?? join(values.report, 'compare', `${a.name}--${b.name}.html`);
  await makeDirectory(dirname(page));
  await writeFile(page, comparePage({ a: a.result, b: b.result, rows, mismatch }));
  console.log(`A  ${a.name}\nB  ${b.name}\n`);
  console.log(columns([HEAD, ...rows.map(cellsOf)]));
  console.log(`\n${wrapped(NOISE_ABOUT, 0)}\n\npage  ${page}`);
} catch (error) {
  const isExplained = error instanceof RunError || (error as NodeJS.ErrnoException).syscall;
  endWithUsage(COMMAND, isExplained ? (error as Error).message : String((error as Error).stack));
}
