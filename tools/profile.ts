// Where an instance's time and memory go: the whole system on ports of its own, one of its two instances under a profiler, payments at
// a steady rate, and then a report to look at. docs/PROFILING.md tells how to read each.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openLoop, quantile } from '../bench/open-loop.ts';
import { freePort } from '../test/world/free-port.ts';
import { makeTempDirectory } from '../test/world/temp-directory.ts';
import * as clinic from './profile/clinic.ts';
import { WatchedInstance } from './profile/watched-instance.ts';
import { DataDirectory } from './system/data-directory.ts';
import { Part, type PartPlan } from './system/part.ts';
import { planParts } from './system/parts.ts';
import { readSettings } from './system/settings.ts';

const USAGE = `npm run profile:doctor|flame|bubbleprof|heap [-- options]
  --rate      payments per second; the instance under the profiler gets half of them
              (500; for bubbleprof, which makes the instance many times slower, 50)
  --seconds   how long (20)
  --report    directory of the report (reports/profile)`;

const WATCHED = 'instance 0';
const WARM_UP_MS = 3_000;
const WARM_UP_RATE = 100;
/** Drawing takes long where much was collected: bubbleprof needs minutes. */
const REPORT_WITHIN_MS = 600_000;
const ALLOCATIONS = fileURLToPath(new URL('./profile/allocations.js', import.meta.url));

type Kind = 'doctor' | 'flame' | 'bubbleprof' | 'heap';
const KINDS: readonly string[] = ['doctor', 'flame', 'bubbleprof', 'heap'] satisfies Kind[];

interface Command {
  readonly kind: Kind;
  readonly rate: number;
  readonly seconds: number;
  readonly directory: string;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function readCommand(words: readonly string[]): Command | undefined {
  const options = {
    rate: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    report: { type: 'string', default: 'reports/profile' },
  } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options,
      allowPositionals: true,
    });
    const [kind = '', ...rest] = positionals;
    const usualRate = kind === 'bubbleprof' ? 50 : 500;
    const [rate, seconds] = [Number(values.rate ?? usualRate), Number(values.seconds)];
    if (!KINDS.includes(kind) || rest.length > 0 || !(rate > 0) || !(seconds > 0)) return undefined;
    return { kind: kind as Kind, rate, seconds, directory: resolve(values.report) };
  } catch {
    return undefined;
  }
}

/** The plan of the watched instance, inside the profiler. Some of the tools write into the directory that they are started in. */
function watch(plan: PartPlan, kind: Kind, report: clinic.Report): PartPlan {
  const within = ['env', '-C', report.directory];
  const [node, ...words] = plan.command as [string, ...string[]];
  const stopWithinMs = plan.stopWithinMs + REPORT_WITHIN_MS;
  if (kind === 'heap') {
    const command = [...within, node, '--import', ALLOCATIONS, ...words];
    const environment = { ...plan.environment, ALLOCATIONS_PATH: clinic.dataPath(report) };
    return { ...plan, command, environment, stopWithinMs };
  }
  const command = [...within, ...clinic.collectCommand(report, plan.command)];
  const environment = { ...plan.environment, ...clinic.CLINIC_ENVIRONMENT };
  // The tools pass an interrupt on to what they run.
  return { ...plan, command, environment, stopWithinMs, deathSignal: 'SIGINT' };
}

async function load(port: number, rate: number, durationMs: number): Promise<void> {
  const { latenciesMs, statuses } = await openLoop({
    to: { port, host: '127.0.0.1' },
    rate,
    durationMs,
  });
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(latenciesMs, share).toFixed(1));
  const told = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
  say(`${rate} payments/s: ${told}; p50 ${p50} ms, p99 ${p99} ms, under the profiler`);
}

/** Runs the system and the load; the report's data, or the report itself, is there when it resolves. What the profiler said. */
async function collect({ kind, rate, seconds }: Command, report: clinic.Report): Promise<string> {
  const port = await freePort();
  const settings = readSettings({
    PORT: String(port),
    DATA_DIR: makeTempDirectory(),
    SIMULATOR_DEFAULT_PORT: String(await freePort()),
    SIMULATOR_FALLBACK_PORT: String(await freePort()),
  });
  const directory = await DataDirectory.open(settings.dataDirectory);
  const started: (Part | WatchedInstance)[][] = [];
  let watched: WatchedInstance | undefined;
  try {
    for (const plans of await planParts(settings, directory)) {
      const group = plans.map((plan) => {
        if (plan.name !== WATCHED) return new Part(plan, say);
        watched = new WatchedInstance(watch(plan, kind, report));
        return watched;
      });
      started.push(group);
      await Promise.all(group.map((part) => part.start()));
    }
    await load(port, WARM_UP_RATE, WARM_UP_MS);
    if (kind === 'heap') watched?.signal('SIGUSR2');
    await load(port, rate, seconds * 1_000);
    say('stopping, and drawing the report');
  } finally {
    for (const group of started.toReversed()) await Promise.all(group.map((part) => part.stop()));
    await directory.close();
  }
  return watched?.said() ?? '';
}

function draw(report: clinic.Report): string {
  const [program, ...words] = clinic.drawCommand(report) as [string, ...string[]];
  const environment = { ...process.env, ...clinic.CLINIC_ENVIRONMENT };
  const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', env: environment });
  return stdout + stderr;
}

/** The path of the report's page. */
async function run(command: Command): Promise<string> {
  const { kind, directory } = command;
  mkdirSync(directory, { recursive: true });
  clinic.ensureInstalled(say);
  const name = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const report = { tool: kind === 'heap' ? 'heapprofiler' : kind, directory, name } as const;
  let said = await collect(command, report);
  if (kind === 'heap') said += draw(report);
  return clinic.pageOf(report, said);
}

const command = readCommand(process.argv.slice(2));
if (command === undefined) {
  say(USAGE);
  process.exit(2);
}
// The parts and the profiler end with us, and the temporary directory goes.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => process.exit(130));
try {
  process.stdout.write(`${await run(command)}\n`);
  process.exit(0);
} catch (error) {
  say(`profile:${command.kind}: ${(error as Error).message}`);
  process.exit(1);
}
