// The contest's test on the submission under its limits, next to the floor. As in the contest, each
// run has new containers. Each round runs all arms in turn.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endWithUsage, readCommandLine, type Command } from '../../tools/command-line.ts';
import * as composition from '../../tools/compose/composition.ts';
import { msUntil, summaryAnswers } from '../../tools/compose/running.ts';
import { usageDuring } from '../../tools/compose/usage-during.ts';
import { megabytes, type Usage } from '../../tools/compose/usage.ts';
import { feeVariables } from '../../tools/contest/fees.ts';
import { TESTS } from '../../tools/contest/plan.ts';
import type { Result } from '../../tools/contest/result.ts';
import { findRun, listRuns } from '../../tools/contest/runs.ts';
import { CONTEST } from '../benchmarks.ts';
import { disturbancesOf, quietLine, QuietWatch, type Quiet } from '../quiet.ts';
import { markdownTable, measureInTurn, spread } from '../report.ts';
import { appendRun, readHistory, type Figures, type HistoryRun } from './history.ts';
import { compareWithHistory, type Compared } from './worse.ts';

const run = promisify(execFile);
const K6_TOOL = fileURLToPath(new URL('../../tools/contest/k6.js', import.meta.url));
const REPORT = join('reports', 'bench');
const START_MS_MAX = 60_000;
const HISTORY = 'bench/contest/history.jsonl';

const ARMS: Readonly<Record<string, readonly string[]>> = {
  floor: ['bench/contest/floor/compose.yml'],
  passing: ['bench/contest/floor/passing-on.yml'],
  ours: [],
  again: [],
  without: ['bench/contest/floor/without-journal.yml'],
};

interface Run {
  readonly result: Result;
  readonly usage: ReadonlyMap<string, Usage>;
  readonly quiet: Quiet;
}

const COMMAND = {
  ...CONTEST,
  words: {
    test: { about: 'the test', oneOf: ['preview', 'final'], preset: 'preview' },
    rounds: { about: 'rounds', preset: 5, least: 1 },
    arms: {
      about:
        'which arms, with commas: floor answers 202 and does nothing else; passing also sends ' +
        'each payment, and forgets it; ours; again is ours once more: their difference is noise; ' +
        'without is ours without the journal; the path of a compose file, relative to the root ' +
        'of the project, is ours with what that file changes',
      preset: 'floor,ours,without',
    },
  },
  options: {
    history: {
      about: 'the file that keeps the figures of each run by commit; none keeps nothing',
      preset: HISTORY,
    },
  },
} as const satisfies Command;

async function measure(files: readonly string[]): Promise<Run> {
  await composition.down();
  composition.arrange({ files, environment: feeVariables(TESTS[test].feeBps) });
  await composition.up();
  try {
    await msUntil('the backend answers', START_MS_MAX, summaryAnswers);
    const lastBefore = (await listRuns(REPORT)).at(-1);
    // It ends with 1 when a check fails, as it always does for the floor.
    // Usage is sampled here, within the containers, which are new: a purge harms nobody.
    const words = [K6_TOOL, test, '--report', REPORT, '--drain', '30', '--sample', '0', '--purge'];
    // The composition has the ports of the contest, whatever these variables say.
    const env = {
      ...process.env,
      PORT: '',
      SIMULATOR_DEFAULT_PORT: '',
      SIMULATOR_FALLBACK_PORT: '',
    };
    const watch = new QuietWatch(await composition.containers());
    const { used } = await usageDuring(composition.usageByService, () =>
      run(process.execPath, words, { env }).catch(() => undefined),
    );
    const quiet = watch.stop();
    const { name, result } = await findRun(REPORT, 'last');
    if (name === lastBefore) throw new Error('npm run k6 wrote no result');
    return { result, usage: used, quiet };
  } finally {
    await composition.down();
  }
}

const sum = ({ usage }: Run, figure: (one: Usage) => number): number =>
  [...usage.values()].reduce((total, one) => total + figure(one), 0);

const figuresOf = (one: Run): Figures => ({
  p99Ms: one.result.latency.all.p99Ms ?? Number.NaN,
  paymentsP99Ms: one.result.latency.payments.p99Ms ?? Number.NaN,
  cpuMsPerPayment: sum(one, (used) => used.cpuMs) / one.result.verdicts.accepted,
  throttledMs: sum(one, (used) => used.throttledMs),
  memoryMib: sum(one, (used) => used.memoryBytes) / 2 ** 20,
  score: one.result.score.totalCents / 100,
});

function rowOf(arm: string, runs: readonly Run[]): string[] {
  const of = (figure: (one: Run) => number, digits: number): string =>
    spread(runs.map(figure), digits);
  const kept = (name: keyof Figures, digits: number): string =>
    of((one) => figuresOf(one)[name], digits);
  const disturbed = runs.filter(({ quiet }) => disturbancesOf(quiet).length > 0).length;
  return [
    disturbed === 0 ? arm : `${arm} (${disturbed} of ${runs.length} disturbed)`,
    kept('p99Ms', 2),
    kept('paymentsP99Ms', 2),
    kept('cpuMsPerPayment', 2),
    of((one) => sum(one, (used) => used.throttledPeriods), 0),
    kept('throttledMs', 0),
    kept('memoryMib', 0),
    kept('score', 0),
    of(({ result }) => (100 * result.score.totalCents) / result.ceilingAtOwnP99Cents, 2),
    of(({ result }) => result.unsettledAtEnd, 0),
    of(({ result }) => result.faults.length, 0),
  ];
}

function armsOf(names: string): Readonly<Record<string, readonly string[]>> {
  const arms: Record<string, readonly string[]> = {};
  for (const name of names.split(',')) {
    const files = name.endsWith('.yml') ? [name] : ARMS[name];
    if (files === undefined) endWithUsage(COMMAND, `the arm "${name}" is not known`);
    arms[name] = files;
  }
  return arms;
}

function textOf(one: Run, arm: string): string {
  const parts = [...one.usage].map(
    ([service, { cpuMs, memoryBytes, throttledPeriods, throttledMs }]) =>
      `${service} ${(cpuMs / 1_000).toFixed(1)} s, ${megabytes(memoryBytes)} MB, ` +
      `throttled ${throttledPeriods} (${throttledMs.toFixed(0)} ms)`,
  );
  const faults = one.result.faults.map((fault) => `FAULT ${fault}`);
  const figures = rowOf(arm, [one]).slice(1).join(' | ');
  return [figures, ...parts, quietLine(one.quiet), ...faults].join('\n  ');
}

/** Appended at once: a series that is broken off leaves what it measured. */
function keep(one: Run, arm: string): void {
  const { commit, isDirty, cpu, cores, kernel } = one.result.surroundings;
  const { loadAverage, othersPercent, stealPercent } = one.quiet;
  const round = kept.filter((earlier) => earlier.arm === arm).length + 1;
  const machine = `${cpu}, ${cores} cores, Linux ${kernel.split('-')[0]}`;
  const disturbed = disturbancesOf(one.quiet);
  const figures = figuresOf(one);
  const quiet = { loadAverage, othersPercent, stealPercent, disturbed };
  const entry = { series, round, commit, isDirty, test, arm, machine, figures, ...quiet };
  kept.push(entry);
  // A run in which nothing was answered has no p99.
  const isWhole = Object.values(figures).every(Number.isFinite);
  if (history !== 'none' && isWhole) appendRun(history, entry);
}

const percent = (share: number): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'not known';

function comparison(arm: string, compared: readonly Compared[] | string): string {
  if (typeof compared === 'string') return `${arm}: ${compared}`;
  const [{ commit, runs } = { commit: '', runs: [0, 0] }] = compared;
  const rows = compared.map(({ figure, before, now, change, noise, verdict }) => {
    const values = [before, now].map((value) => value.toFixed(2));
    return [figure, ...values, percent(change), percent(noise), verdict];
  });
  const head = [
    arm,
    `${commit} (${runs[0]} runs)`,
    `now (${runs[1]})`,
    'change',
    'noise by A/A',
    '',
  ];
  return markdownTable(head, rows);
}

const { test, rounds, arms, history } = readCommandLine(COMMAND);
const chosen = armsOf(arms);
const series = new Date().toISOString();
const kept: Omit<HistoryRun, 'format'>[] = [];
// A file that can't be read is told of before anything is measured.
if (history !== 'none') readHistory(history);
await composition.buildImages();
const measured = await measureInTurn(chosen, rounds, measure, (one, arm) => {
  keep(one, arm);
  return textOf(one, arm);
});
const head = [
  'arm',
  'p99 ms',
  'p99 of POST',
  'CPU ms/payment',
  'throttled periods',
  'throttled ms',
  'MB',
  'score',
  '% of ceiling at own p99',
  'unsettled',
  'faults',
];
console.log(`${test}, ${rounds} rounds: median (minimum to maximum)\n`);
console.log(
  markdownTable(
    head,
    [...measured].map(([arm, runs]) => rowOf(arm, runs)),
  ),
);
if (history !== 'none') {
  const all = readHistory(history);
  for (const arm of Object.keys(chosen).filter((one) => one !== 'floor' && one !== 'passing')) {
    console.log(`\n${comparison(arm, compareWithHistory(all, { series, arm }))}`);
  }
}
