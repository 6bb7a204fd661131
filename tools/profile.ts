// `npm run profile:*`: the whole system on ports of its own, with one of its two instances under a
// profiler and payments at a steady rate; then a report. docs/PROFILING.md explains each report.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/world/free-port.ts';
import { makeTempDirectory } from '../test/world/temp-directory.ts';
import { readCommandLine } from './command-line.ts';
import { openLoop, quantile } from './load/open-loop.ts';
import * as clinic from './profile/clinic.ts';
import { WatchedInstance } from './profile/watched-instance.ts';
import { DataDirectory } from './system/data-directory.ts';
import { Part, type PartPlan } from './system/part.ts';
import { planParts } from './system/parts.ts';
import { readSettings } from './system/settings.ts';

const WATCHED = 'instance 0';
const WARM_UP_MS = 3_000;
const WARM_UP_RATE = 100;
/** Drawing the report of bubbleprof takes minutes. */
const REPORT_WITHIN_MS = 600_000;
const ALLOCATIONS = fileURLToPath(new URL('./profile/allocations.js', import.meta.url));

const KINDS = {
  doctor: 'Shows whether the CPU, the garbage collector, the event loop or waiting is the limit.',
  flame: 'Shows which functions use the CPU.',
  bubbleprof: 'Shows what is waited for.',
  heap: 'Shows which functions allocate memory.',
};
type Kind = keyof typeof KINDS;

interface Run {
  readonly kind: Kind;
  readonly rate: number;
  readonly seconds: number;
  readonly directory: string;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The script in package.json gives the kind as the first word. */
function readRun(kind: Kind, args: readonly string[]): Run {
  const { rate, seconds, report } = readCommandLine(
    {
      name: `profile:${kind}`,
      does:
        `${KINDS[kind]} One of two instances runs under the profiler. ` +
        'docs/PROFILING.md explains the report.',
      takes: 'Takes a minute; bubbleprof some minutes. The first run installs the clinic tools.',
      options: {
        rate: {
          about: 'payments per second, half of them for the instance under the profiler',
          preset: kind === 'bubbleprof' ? 50 : 500,
          least: 1,
        },
        seconds: { about: 'how long', preset: 20, least: 1 },
        report: { about: 'directory of the report', preset: 'reports/profile' },
      },
    },
    args,
  );
  return { kind, rate, seconds, directory: resolve(report) };
}

/** The plan of the watched instance, inside the profiler. Some tools write into their directory. */
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

/** Runs the system and the load until the report's data is written. What the profiler printed. */
async function collect({ kind, rate, seconds }: Run, report: clinic.Report): Promise<string> {
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
async function run(wanted: Run): Promise<string> {
  const { kind, directory } = wanted;
  mkdirSync(directory, { recursive: true });
  clinic.ensureInstalled(say);
  const name = `repasse-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`;
  const report = { tool: kind === 'heap' ? 'heapprofiler' : kind, directory, name } as const;
  let said = await collect(wanted, report);
  if (clinic.isDrawnLater(report)) {
    clinic.showSources(report);
    said += draw(report);
  }
  return clinic.pageOf(report, said);
}

const [kind = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(KINDS, kind)) {
  say(`profile: must be one of ${Object.keys(KINDS).join(', ')}`);
  process.exit(2);
}
const wanted = readRun(kind as Kind, args);
// The parts and the profiler end with this process, and the temporary directory is removed.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => process.exit(130));
try {
  process.stdout.write(`${await run(wanted)}\n`);
  process.exit(0);
} catch (error) {
  say(`profile:${wanted.kind}: ${(error as Error).message}`);
  process.exit(1);
}
