// The contest's test on the submission under its limits, next to the floor: containers made anew for each run, as the contest does it,
// the arms in turn, several rounds. Needs Docker and k6. Takes about a minute and a half (preview) or six (final) per run.
//
//   npm run bench:contest -- [preview|final] [rounds, 5] [arms, floor,ours,without]
//
// Arms: floor answers 202 and does nothing else; passing also sends, and forgets; ours; without, which is ours without the journal.
// An arm may also be the path of a compose file that changes the submission, from the project's root.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sleep, systemClock } from '../src/clock.ts';
import * as composition from '../tools/compose/composition.ts';
import { usageBetween, type Usage } from '../tools/compose/usage.ts';
import type { Result } from '../tools/k6/result.ts';
import { markdownTable, spread } from './report.ts';

const run = promisify(execFile);
const K6_TOOL = fileURLToPath(new URL('../tools/k6.js', import.meta.url));
const REPORT = join('reports', 'bench');
const SAMPLE_MS = 2_000;
const START_MS_MAX = 60_000;

const ARMS: Readonly<Record<string, readonly string[]>> = {
  floor: ['bench/floor/compose.yml'],
  passing: ['bench/floor/passing-on.yml'],
  ours: [],
  without: ['bench/floor/without-journal.yml'],
};
/** Hundredths of a percent for the instances, percent for the simulators. */
const feesOf = (defaultBps: number, fallbackBps: number): Readonly<Record<string, string>> => ({
  FEE_DEFAULT_BPS: String(defaultBps),
  FEE_FALLBACK_BPS: String(fallbackBps),
  SIMULATOR_DEFAULT_FEE_PERCENT: String(defaultBps / 100),
  SIMULATOR_FALLBACK_FEE_PERCENT: String(fallbackBps / 100),
});
const FEES = { preview: feesOf(500, 1_500), final: feesOf(700, 1_000) } as const;

interface Run {
  readonly result: Result;
  readonly usage: ReadonlyMap<string, Usage>;
}

const [test = 'preview', rounds = '5', arms = 'floor,ours,without'] = process.argv.slice(2);
if (test !== 'preview' && test !== 'final') throw new Error(`there is no test ${test}`);

async function answers(): Promise<void> {
  const endMs = systemClock.elapsed() + START_MS_MAX;
  for (;;) {
    const reply = await fetch('http://127.0.0.1:9999/payments-summary').catch(() => undefined);
    if (reply?.ok === true) return;
    if (systemClock.elapsed() > endMs) throw new Error('the backend does not answer');
    await sleep(systemClock, 200);
  }
}

async function measure(name: 'preview' | 'final', files: readonly string[]): Promise<Run> {
  await composition.down();
  composition.arrange({ files, environment: FEES[name] });
  await composition.up();
  try {
    await answers();
    const before = await composition.usageByService();
    const usage = new Map<string, Usage>();
    const load = { over: false };
    const sampling = (async (): Promise<void> => {
      while (!load.over) {
        for (const [service, now] of await composition.usageByService()) {
          const most = Math.max(usage.get(service)?.memoryBytes ?? 0, now.memoryBytes);
          usage.set(service, {
            ...usageBetween(before.get(service) ?? now, now),
            memoryBytes: most,
          });
        }
        await sleep(systemClock, SAMPLE_MS);
      }
    })();
    // It ends with 1 when anything is wrong, which is for the floor.
    const words = [K6_TOOL, name, '--report', REPORT, '--drain', '30'];
    await run(process.execPath, words).catch(() => undefined);
    load.over = true;
    await sampling;
    const result = JSON.parse(await readFile(join(REPORT, `${name}.json`), 'utf8')) as Result;
    return { result, usage };
  } finally {
    await composition.down();
  }
}

function rowOf(arm: string, runs: readonly Run[]): string[] {
  const of = (figure: (one: Run) => number, digits: number): string =>
    spread(runs.map(figure), digits);
  const sum = ({ usage }: Run, figure: (one: Usage) => number): number =>
    [...usage.values()].reduce((total, one) => total + figure(one), 0);
  return [
    arm,
    of(({ result }) => result.latency.all.p99Ms ?? Number.NaN, 2),
    of(({ result }) => result.latency.payments.p99Ms ?? Number.NaN, 2),
    of((one) => sum(one, (used) => used.cpuMs) / one.result.verdicts.accepted, 2),
    of((one) => sum(one, (used) => used.throttledPeriods), 0),
    of((one) => sum(one, (used) => used.throttledMs), 0),
    of((one) => sum(one, (used) => used.memoryBytes) / 2 ** 20, 0),
    of(({ result }) => result.score.totalCents / 100, 0),
    of(({ result }) => (100 * result.score.totalCents) / result.ceilingAtOwnP99Cents, 2),
    of(({ result }) => result.unsettledAtEnd, 0),
    of(({ result }) => result.faults.length, 0),
  ];
}

await composition.buildImages(process.env['DOCKER_BUILD_FLAGS']?.split(' ').filter(Boolean) ?? []);
const measured = new Map<string, Run[]>(arms.split(',').map((arm) => [arm, []]));
for (let round = 1; round <= Number(rounds); round++) {
  for (const [arm, runs] of measured) {
    const one = await measure(test, ARMS[arm] ?? [arm]);
    runs.push(one);
    const used = [...one.usage].map(
      ([service, { cpuMs, memoryBytes, throttledPeriods, throttledMs }]) =>
        `${service} ${(cpuMs / 1_000).toFixed(1)} s, ${(memoryBytes / 2 ** 20).toFixed(0)} MB, throttled ${throttledPeriods} (${throttledMs.toFixed(0)} ms)`,
    );
    console.error(`round ${round}, ${rowOf(arm, [one]).join(' | ')}\n  ${used.join('\n  ')}`);
    for (const fault of one.result.faults) console.error(`  FAULT ${fault}`);
  }
}
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
