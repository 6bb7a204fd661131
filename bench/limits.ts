// The submission in containers under its limits, with simulated processors and an open-loop load.

import { sumOf } from '../tools/audit/totals.ts';
import { endWithUsage, readCommandLine, type Command } from '../tools/command-line.ts';
import * as composition from '../tools/compose/composition.ts';
import { endpoints, msUntil, PORT, summaryAnswers } from '../tools/compose/running.ts';
import { usageBetween } from '../tools/compose/usage.ts';
import { openLoop, quantile, type LoadResult } from '../tools/load/open-loop.ts';
import { LIMITS } from './benchmarks.ts';
import { measureDrain } from './drain.ts';
import { markdownTable } from './report.ts';
import { measureSteady } from './steady.ts';
import { measureSustained } from './sustained/sustained.ts';

const CALM_RATE = 300;
const WINDOW_MS = 8_000;
const BURST = { rate: 5_000, durationMs: 10_000 } as const;
const START_MS_MAX = 60_000;
const DRAIN_MS_MAX = 180_000;
const P99_MS_MAX = 10;
const STEP = 1.2;

let accepted = 0;
let unknown = 0;

async function load(rate: number, durationMs: number): Promise<LoadResult> {
  const to = { host: await composition.addressOf('nginx'), port: PORT };
  const result = await openLoop({ to, rate, durationMs });
  accepted += result.statuses.get(202) ?? 0;
  unknown += result.statuses.get(0) ?? 0;
  return result;
}

const charged = async (): Promise<number> => {
  const { processors } = await endpoints.standing();
  return processors === null ? 0 : sumOf(processors).requests;
};

/** The time until every accepted payment is charged, and recorded as charged. */
function msUntilSettled(): Promise<number> {
  return msUntil('every payment is settled', DRAIN_MS_MAX, async () => {
    const { backend, processors } = await endpoints.standing();
    if (backend === null || processors === null) return false;
    const [recorded, held] = [sumOf(backend), sumOf(processors)];
    const isAll = held.requests >= accepted && held.requests <= accepted + unknown;
    return isAll && recorded.requests === held.requests && recorded.cents === held.cents;
  });
}

const p99 = ({ latenciesMs }: LoadResult): number => quantile(latenciesMs, 0.99);

async function burst(rounds: number): Promise<void> {
  const rows: string[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const { statuses, latenciesMs, bareRefusals } = await load(BURST.rate, BURST.durationMs);
    const settledMs = await msUntilSettled();
    const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
    const at = (share: number): string => quantile(latenciesMs, share).toFixed(0);
    rows.push([
      answers,
      String(bareRefusals),
      `${at(0.5)} / ${at(0.99)}`,
      (settledMs / 1_000).toFixed(0),
    ]);
  }
  const head = ['answers', '503 without Retry-After', 'p50 / p99 ms', 'all settled after s'];
  console.log(markdownTable(head, rows));
}

async function most(firstRate: number): Promise<void> {
  const rows: string[][] = [];
  await load(CALM_RATE, WINDOW_MS);
  for (let rate = firstRate; ; rate = Math.round(rate * STEP)) {
    const before = await composition.usageByService();
    const result = await load(rate, WINDOW_MS);
    const after = await composition.usageByService();
    const left = accepted - (await charged());
    const used = [...after].map(([service, now]) => {
      const { cpuMs, throttledPeriods, periods } = usageBetween(before.get(service) ?? now, now);
      const percent = ((100 * cpuMs) / WINDOW_MS).toFixed(0);
      return `${service} ${percent} %, ${throttledPeriods} of ${periods}`;
    });
    const refused = result.latenciesMs.length - (result.statuses.get(202) ?? 0);
    const figures = [rate, p99(result).toFixed(1), refused, left].map(String);
    rows.push([...figures, used.join('; ')]);
    console.error(rows.at(-1)?.join(' | '));
    await msUntilSettled();
    if (p99(result) >= P99_MS_MAX || refused > 0) break;
  }
  const head = ['payments/s', 'p99 ms', 'not 202', 'left to charge', 'CPU, throttled periods'];
  console.log(markdownTable(head, rows));
}

const RUNS = {
  burst: (figure = 3) => burst(figure),
  most: (figure = 500) => most(figure),
} as const;

const COMMAND = {
  ...LIMITS,
  words: {
    run: {
      about:
        'drain: p99 of intake while 10,000 payments are drained, next to calm (twice: the ' +
        'noise); burst: 5,000 payments/s for 10 s, then the books; most: more and more ' +
        'payments/s, until p99 is 10 ms or payments are refused; sustained: the highest rate at ' +
        'which every payment is charged within 1 s and recorded within 2 s of its 202, with a ' +
        'p99 below 10 ms and no refusal; steady: CPU for each payment at steady rates (drain, ' +
        'sustained and steady also without Docker: in control groups, as root)',
      oneOf: ['drain', 'burst', 'most', 'sustained', 'steady'],
    },
    figure: {
      about:
        'drain, burst and steady: the rounds; most: the first rate; sustained: seconds for each ' +
        'rate',
      otherwise: '5, 3, 3, 500 and 60',
      least: 1,
    },
  },
  options: {
    compose: {
      about: 'a compose file that changes the submission, relative to the root of the project',
      otherwise: 'the submission as it is',
    },
    delays: { about: 'sustained: delays of the processors in ms, with commas', preset: '0,20,100' },
    first: { about: 'sustained: the first rate, payments/s', preset: 550, least: 50 },
    runs: { about: 'sustained: the most runs for each delay', preset: 12, least: 1 },
  },
  ends: { 1: 'sustained: a payment was lost or charged twice, or a book is wrong' },
} as const satisfies Command;

const { run, figure, compose, delays, first, runs } = readCommandLine(COMMAND);
const files = compose === undefined ? [] : [compose];
const delaysMs = delays.split(',').map(Number);
if (!delaysMs.every((delay) => Number.isInteger(delay) && delay >= 0)) {
  endWithUsage(COMMAND, `--delays is "${delays}", must be whole numbers with commas`);
}
if (run === 'sustained') {
  const durationMs = (figure ?? 60) * 1_000;
  const plan = { delaysMs, firstRate: first, durationMs, runsMax: runs, files };
  if (!(await measureSustained(plan))) process.exitCode = 1;
} else if (run === 'drain') {
  await measureDrain(files, figure ?? 5);
} else if (run === 'steady') {
  await measureSteady(files, figure ?? 3);
} else {
  await composition.buildImages();
  await composition.down();
  composition.arrange({ files, environment: {} });
  await composition.up();
  try {
    await msUntil('the backend answers', START_MS_MAX, summaryAnswers);
    await RUNS[run](figure);
  } finally {
    await composition.down();
  }
}
