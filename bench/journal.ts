// What the journal costs: CPU per payment and the latency of POST /payments with each JOURNAL_SYNC against none at all, in turn, several
// rounds, on one instance without nginx. "none" stands twice: the difference between those two is the noise.
//
//   node dist/bench/journal.js [rate per second, 500] [seconds, 10] [rounds, 5]

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DatabaseServer } from '../test/world/database.ts';
import { openWorld } from '../test/world/world.ts';
import { openLoop, quantile } from './open-loop.ts';
import { markdownTable, spread } from './report.ts';

const [rate = 500, seconds = 10, rounds = 5] = process.argv.slice(2).map(Number);
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

/** User and system time of a process, ms (100 ticks a second on Linux). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measure(
  database: DatabaseServer,
  environment: Readonly<Record<string, string>>,
): Promise<Measured> {
  await using world = await openWorld({ database, instances: 1, front: false, environment });
  const instance = world.instance(0);
  const to = { path: instance.socketPath };
  await openLoop({ to, rate, durationMs: WARM_UP_MS });
  const before = cpuMs(instance.program.pid);
  const { latenciesMs, statuses } = await openLoop({ to, rate, durationMs: seconds * 1_000 });
  const cpuUs = ((cpuMs(instance.program.pid) - before) * 1_000) / latenciesMs.length;
  const accepted = statuses.get(202) ?? 0;
  if (accepted !== rate * seconds) throw new Error(`only ${accepted} were accepted`);
  return { cpuUs, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) };
}

const database = await DatabaseServer.start();
const measured = new Map<string, Measured[]>(Object.keys(ARMS).map((arm) => [arm, []]));
for (let round = 1; round <= rounds; round++) {
  for (const [arm, environment] of Object.entries(ARMS)) {
    const result = await measure(database, environment);
    measured.get(arm)?.push(result);
    console.error(`round ${round}, ${arm}: ${JSON.stringify(result)}`);
  }
}
await database.close();

const baseline = measured.get('none') ?? [];
const ratios = (of: readonly Measured[], figure: keyof Measured): number[] =>
  of.map((result, round) => result[figure] / (baseline[round]?.[figure] ?? Number.NaN));
console.log(`${rate} payments/s for ${seconds} s, ${rounds} rounds: median (minimum to maximum)\n`);
console.log(
  markdownTable(
    ['JOURNAL_SYNC', 'CPU µs/payment', 'ratio', 'p50 ms', 'p99 ms', 'ratio'],
    [...measured].map(([arm, of]) => [
      arm,
      spread(
        of.map(({ cpuUs }) => cpuUs),
        0,
      ),
      spread(ratios(of, 'cpuUs'), 2),
      spread(
        of.map(({ p50Ms }) => p50Ms),
        2,
      ),
      spread(
        of.map(({ p99Ms }) => p99Ms),
        2,
      ),
      spread(ratios(of, 'p99Ms'), 2),
    ]),
  ),
);
