// What the journal costs: CPU per payment and the latency of POST /payments, with each JOURNAL_SYNC
// and without a journal, in turn, on one instance without nginx.

import { fileURLToPath } from 'node:url';
import { DatabaseServer } from '../test/world/database.ts';
import { openWorld } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { openLoop, quantile } from '../tools/load/open-loop.ts';
import { familyCpuMs } from '../tools/system/processes.ts';
import { JOURNAL } from './benchmarks.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';

const { rate, seconds, rounds } = readCommandLine({
  ...JOURNAL,
  words: {
    rate: { about: 'payments per second', preset: 500, least: 1 },
    seconds: { about: 'how long each arm is measured', preset: 10, least: 1 },
    rounds: { about: 'rounds', preset: 5, least: 1 },
  },
});
const WARM_UP_MS = 3_000;
const WITHOUT = `--import ${fileURLToPath(new URL('./without-journal.js', import.meta.url))}`;

const ARMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  none: { NODE_OPTIONS: WITHOUT },
  never: { JOURNAL_SYNC: 'never' },
  interval: { JOURNAL_SYNC: 'interval' },
  always: { JOURNAL_SYNC: 'always' },
  'none again': { NODE_OPTIONS: WITHOUT },
};

interface Measured {
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measure(
  database: DatabaseServer,
  environment: Readonly<Record<string, string>>,
): Promise<Measured> {
  await using world = await openWorld({ database, instances: 1, front: false, environment });
  const instance = world.instance(0);
  const to = { path: instance.socketPath };
  await openLoop({ to, rate, durationMs: WARM_UP_MS });
  const before = familyCpuMs(instance.program.pid);
  const { latenciesMs, statuses } = await openLoop({ to, rate, durationMs: seconds * 1_000 });
  const cpuUs = ((familyCpuMs(instance.program.pid) - before) * 1_000) / latenciesMs.length;
  const accepted = statuses.get(202) ?? 0;
  if (accepted !== rate * seconds) throw new Error(`only ${accepted} were accepted`);
  return { cpuUs, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) };
}

const database = await DatabaseServer.start();
const measured = await measureInTurn(ARMS, rounds, (environment) => measure(database, environment));
await database.close();

const baseline = measured.get('none') ?? [];
const figures = (of: readonly Measured[], figure: keyof Measured): number[] =>
  of.map((result) => result[figure]);
const ratios = (of: readonly Measured[], figure: keyof Measured): number[] =>
  of.map((result, round) => result[figure] / (baseline[round]?.[figure] ?? Number.NaN));
console.log(`${rate} payments/s for ${seconds} s, ${rounds} rounds: median (minimum to maximum)\n`);
console.log(
  markdownTable(
    ['JOURNAL_SYNC', 'CPU µs/payment', 'ratio', 'p50 ms', 'p99 ms', 'ratio'],
    [...measured].map(([arm, of]) => [
      arm,
      spread(figures(of, 'cpuUs'), 0),
      spread(ratios(of, 'cpuUs'), 2),
      spread(figures(of, 'p50Ms'), 2),
      spread(figures(of, 'p99Ms'), 2),
      spread(ratios(of, 'p99Ms'), 2),
    ]),
  ),
);
