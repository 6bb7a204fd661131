// The highest rate that the submission sustains under its limits, for each delay of the processors:
// a search, and a table of every rate that was tried.

import { whatIsMissing as whatDockerLacks } from '../../tools/compose/docker.ts';
import { megabytes } from '../../tools/compose/usage.ts';
import { disturbancesOf, quietLine } from '../quiet.ts';
import { markdownTable } from '../report.ts';
import { openContainers } from './containers.ts';
import { whatIsMissing as whatGroupsLack } from './control-group.ts';
import { openGroups } from './groups.ts';
import type { Lag } from './judge.ts';
import { runAt, type RateRun } from './rate-run.ts';
import { highestHeld, nextRate } from './search.ts';
import type { Stage } from './stage.ts';

export interface Plan {
  readonly delaysMs: readonly number[];
  readonly firstRate: number;
  readonly durationMs: number;
  readonly runsMax: number;
  /** Compose files that change the submission. */
  readonly files: readonly string[];
}

/** Of the highest rate. */
const GAP = 0.05;
const WARM_UP = { rate: 1_000, durationMs: 20_000 } as const;
/**
 * At the rate itself, before each run. V8 compiles anew at a rate that it hasn't seen, for some
 * seconds, with a third of an instance's CPU: that is no steady state.
 */
const LEAD_IN_MS = 10_000;

/** Without Docker in control groups. @throws Error when neither is there. */
export async function openStage(files: readonly string[]): Promise<Stage> {
  const noDocker = await whatDockerLacks();
  if (noDocker === undefined) return openContainers(files);
  const noGroups = whatGroupsLack();
  if (noGroups !== undefined) throw new Error(`needs ${noDocker}; or without Docker ${noGroups}`);
  console.error(`without ${noDocker}: in control groups`);
  return openGroups(files);
}

/** Prints the tables. False if a payment was lost or charged twice, or a book is wrong. */
export async function measureSustained(plan: Plan): Promise<boolean> {
  const stage = await openStage(plan.files);
  try {
    await runAt(stage, WARM_UP.rate, Math.min(plan.durationMs, WARM_UP.durationMs));
    let isRight = true;
    for (const delayMs of plan.delaysMs) {
      await stage.endpoints.setLevers({ delayMs, failing: false });
      const runs = await search(stage, plan);
      isRight &&= runs.every(({ faults }) => faults.length === 0);
      print(stage, plan, delayMs, runs);
    }
    return isRight;
  } finally {
    await stage.close();
  }
}

async function search(
  stage: Stage,
  { firstRate, durationMs, runsMax }: Plan,
): Promise<readonly RateRun[]> {
  const runs: RateRun[] = [];
  const plan = { first: firstRate, gap: GAP, runsMax };
  for (;;) {
    const rate = rateAgain(runs) ?? nextRate(plan, runs.map(triedOf));
    if (rate === undefined || runs.length === runsMax) return runs;
    const { faults } = await runAt(stage, rate, Math.min(durationMs, LEAD_IN_MS));
    const run = await runAt(stage, rate, durationMs);
    runs.push({ ...run, faults: [...faults, ...run.faults] });
    console.error(`${rowOf(run).join(' | ')}\n  ${partsOf(run)}\n  ${quietLine(run.quiet)}`);
  }
}

const triedOf = ({ rate, reasons }: RateRun): { rate: number; holds: boolean } => ({
  rate,
  holds: reasons.length === 0,
});

/** A rate that failed while others disturbed the run is tried again, once. */
function rateAgain(runs: readonly RateRun[]): number | undefined {
  const last = runs.at(-1);
  if (last === undefined || last.reasons.length === 0 || disturbancesOf(last.quiet).length === 0) {
    return undefined;
  }
  return runs.filter(({ rate }) => rate === last.rate).length > 1 ? undefined : last.rate;
}

const HEAD = [
  'payments/s',
  'sustained',
  '202 p50 / p99 ms',
  'charged after ms: p50 / p99 / most',
  'recorded within ms: p99 / most',
  'CPU ms/payment',
  'CPU of the load generator, processors',
  'runs out',
];

const ms = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

const percentOf = ({ durationMs }: RateRun, cpuMs: number): string =>
  `${((100 * cpuMs) / durationMs).toFixed(0)} %`;

function rowOf(run: RateRun): string[] {
  const { times, reasons, quiet } = run;
  const { charge, record } = times;
  const cpuMs = [...run.used.values()].reduce((sum, one) => sum + one.cpuMs, 0);
  const disturbed = disturbancesOf(quiet).length > 0 ? ' (disturbed)' : '';
  const late = ` (late by ${ms(run.generatorLateP99Ms)} ms)`;
  return [
    String(run.rate),
    `${reasons.length === 0 ? 'yes' : `no: ${reasons.join(', ')}`}${disturbed}`,
    `${ms(times.p50Ms)} / ${ms(times.p99Ms)}`,
    [charge.p50Ms, charge.p99Ms, charge.mostMs].map(ms).join(' / '),
    `${ms(record.p99Ms)} / ${ms(record.mostMs)}`,
    (cpuMs / run.accepted).toFixed(2),
    `${percentOf(run, run.generatorCpuMs)}${late}, ${percentOf(run, run.processorsCpuMs)}`,
    `${run.runsOut.join('; ')}${run.isWhole ? '' : ' (ended early)'}`,
  ];
}

/** CPU, throttling and memory of each part. */
const partsOf = (run: RateRun): string =>
  [...run.used]
    .map(([part, usage]) => {
      const memory = `${megabytes(usage.memoryBytes)} of ${megabytes(usage.memoryLimitBytes)} MB`;
      const periods = `${usage.throttledPeriods} of ${usage.periods}`;
      return `${part} ${percentOf(run, usage.cpuMs)}, throttled ${periods}, ${memory}`;
    })
    .join('; ');

const lag = ({ p50Ms, p99Ms }: Lag): string => `p50 ${ms(p50Ms)} ms, p99 ${ms(p99Ms)} ms`;

function print(
  { name }: Stage,
  { firstRate, durationMs }: Plan,
  delayMs: number,
  runs: readonly RateRun[],
): void {
  const highest = highestHeld(runs.map(triedOf));
  const first = runs.find(({ rate }) => rate === firstRate)?.times.charge;
  console.log(
    `\nProcessors that answer after ${delayMs} ms, ${durationMs / 1_000} s each, ${name}:`,
  );
  console.log(`${highest ?? 'no'} payments/s are sustained.`);
  if (first) console.log(`From the 202 to the charge at ${firstRate}/s: ${lag(first)}.\n`);
  console.log(markdownTable(HEAD, runs.map(rowOf)));
  const highestRun = runs.findLast(({ rate }) => rate === highest);
  if (highestRun) console.log(`\nAt ${highest}/s: ${partsOf(highestRun)}.`);
}
