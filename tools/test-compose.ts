// The submission under its limits, as containers: how fast it starts, what it uses under load, and how long intake stands still and
// whether the books hold when each part is killed in turn. Takes ports 9999, 8001 and 8002; removes what it made. Ends with 0 when all is well, 1 when something
// isn't, 2 when it could not run.
//
//   npm run test:compose            DOCKER_BUILD_FLAGS="--network host" is for `docker build`

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, systemClock } from '../src/clock.ts';
import { PROCESSORS } from '../src/payment.ts';
import { chargedAt } from './compose/charged.ts';
import * as composition from './compose/composition.ts';
import { whatIsMissing } from './compose/docker.ts';
import * as killing from './compose/killing.ts';
import { entryOfRow, LEDGER_QUERY, ledgerFaults, type Entry } from './compose/ledger.ts';
import { Load } from './compose/load.ts';
import { megabytes, memoryFaults, usageBetween, type Usage } from './compose/usage.ts';
import { faultsOf } from './k6/audit.ts';
import { auditWhenDrained } from './k6/drain.ts';
import { Endpoints } from './k6/endpoints.ts';

const BACKEND = 'http://127.0.0.1:9999';
const PROCESSOR_URLS = ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'] as const;
const TOKEN = '123';
/** The contest gives up after 75 s; we want to be there long before. */
const START_MS_MAX = 15_000;
const RETURN_MS_MAX = 30_000;
const PER_SECOND = 300;
const STEADY_MS = 20_000;
const SAMPLE_MS = 1_000;
const POLL_MS = 50;
/** Of load before and after each kill. */
const PAUSE_MS = 3_000;
/** Slow enough that each kill meets payments under way. */
const DELAY_MS = 100;
const DRAIN = { drainMs: 90_000, quietMs: 40_000, lateMs: 2_000, pollMs: 500 } as const;
const LISTED_MAX = 10;
const REPORT = join('reports', 'compose');
const INSTANCES: readonly string[] = ['api1', 'api2'];
const PARTS = [
  ...INSTANCES,
  'nginx',
  'postgres',
  'payment-processor-default',
  'payment-processor-fallback',
];

const clock = systemClock;
const endpoints = new Endpoints({ backend: BACKEND, processors: PROCESSOR_URLS }, TOKEN);
/** A set: what is found in two places is one fault. */
const faults = new Set<string>();
/** The latest of each part under the limits; its memory is the most in the whole run. */
const used = new Map<string, Usage>();

function complain(found: readonly string[]): void {
  for (const fault of found) faults.add(fault);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function main(): Promise<number> {
  const missing = await whatIsMissing();
  if (missing !== undefined) {
    console.error(`test:compose needs ${missing}`);
    return 2;
  }
  const flags = process.env['DOCKER_BUILD_FLAGS']?.split(' ').filter(Boolean) ?? [];
  await composition.buildImages(flags);
  // What an earlier run may have left.
  await composition.down();
  try {
    await start();
    await tryIt();
  } catch (error) {
    complain([(error as Error).message]);
  } finally {
    await mkdir(REPORT, { recursive: true });
    await writeFile(join(REPORT, 'containers.log'), await composition.logs());
    await composition.down();
  }
  for (const fault of faults) console.log(`FAULT     ${fault}`);
  if (faults.size > 0) console.log(`logs      ${join(REPORT, 'containers.log')}`);
  return faults.size === 0 ? 0 : 1;
}

/** From nothing: `up` makes the networks and the volumes too, `down` has removed them. */
async function start(): Promise<void> {
  const beganMs = clock.elapsed();
  await composition.up();
  const tookMs = await msUntil(summaryAnswers, beganMs, 'no summary');
  console.log(`start     ${seconds(tookMs)} from nothing to the first summary`);
  if (tookMs > START_MS_MAX) complain([`the start took ${seconds(tookMs)}`]);
}

async function tryIt(): Promise<void> {
  await endpoints.setLevers({ delayMs: DELAY_MS, failing: false });
  const load = new Load(BACKEND, clock);
  load.start(PER_SECOND);
  try {
    await measure(load);
    for (const part of PARTS) await kill(part, load);
  } finally {
    await load.stop();
  }
  const { accepted, unknown } = load.sent;
  console.log(`sent      ${accepted.size} accepted, ${unknown.size} without a certain answer`);
  await audit(load);
  await look();
  complain(memoryFaults(used));
  complain(await composition.mishaps());
}

/** A steady load, with all parts alive. */
async function measure(load: Load): Promise<void> {
  await sleep(clock, PAUSE_MS);
  load.takeLatencies();
  const before = await composition.usageByService();
  const endMs = clock.elapsed() + STEADY_MS;
  while (clock.elapsed() < endMs) {
    await sleep(clock, SAMPLE_MS);
    await look();
  }
  const latencies = load.takeLatencies();
  const at = (share: number): string =>
    (latencies[Math.floor(latencies.length * share)] ?? Number.NaN).toFixed(1);
  console.log(
    `load      ${PER_SECOND}/s for ${seconds(STEADY_MS)}: p50 ${at(0.5)}, p99 ${at(0.99)} ms`,
  );
  for (const [service, was] of before) {
    const last = used.get(service);
    if (last !== undefined) console.log(lineOf(service, usageBetween(was, last)));
  }
}

async function look(): Promise<void> {
  for (const [service, now] of await composition.usageByService()) {
    const mostBytes = used.get(service)?.memoryBytes ?? 0;
    used.set(service, { ...now, memoryBytes: Math.max(mostBytes, now.memoryBytes) });
  }
}

function lineOf(service: string, usage: Usage): string {
  return (
    `          ${service.padEnd(9)} ${megabytes(usage.memoryBytes)} of ${megabytes(usage.memoryLimitBytes)} MB, ` +
    `${usage.cpuMs.toFixed(0)} ms of CPU, throttled in ${usage.throttledPeriods} of ${usage.periods} periods, ` +
    `${usage.throttledMs.toFixed(0)} ms`
  );
}

async function kill(part: string, load: Load): Promise<void> {
  await look();
  complain(await composition.mishaps());
  const killed = await composition.processOf(part);
  const runsAgain = async (): Promise<boolean> =>
    ![0, killed].includes(await composition.processOf(part));
  const answers = (): Promise<boolean> => composition.instanceAnswers(part);
  load.takeLongestSilenceMs();
  const beganMs = clock.elapsed();
  const how = await composition.kill(part);
  const [awayMs, summaryMs] = await Promise.all([
    msUntil(runsAgain, beganMs, `${part} does not run`),
    msUntil(summaryAnswers, beganMs, 'no summary'),
  ]);
  const instanceMs = INSTANCES.includes(part)
    ? await msUntil(answers, beganMs, `${part} does not answer`)
    : undefined;
  // A simulator starts without them.
  await endpoints.setLevers({ delayMs: DELAY_MS, failing: false });
  await sleep(clock, PAUSE_MS);
  const silenceMs = load.takeLongestSilenceMs();
  const what = { part, how, awayMs, instanceMs, summaryMs, silenceMs };
  console.log(`killed    ${killing.lineOf(what)}`);
  complain(killing.faultsOf(what));
}

const summaryAnswers = async (): Promise<boolean> =>
  (await endpoints.backendSummary()).status === 200;

/** How long after `beganMs` it is so. @throws Error when that takes too long. */
async function msUntil(
  isSo: () => Promise<boolean>,
  beganMs: number,
  otherwise: string,
): Promise<number> {
  while (!(await isSo())) {
    if (clock.elapsed() - beganMs > RETURN_MS_MAX) {
      throw new Error(`${otherwise} within ${seconds(RETURN_MS_MAX)}`);
    }
    await sleep(clock, POLL_MS);
  }
  return clock.elapsed() - beganMs;
}

async function audit(load: Load): Promise<void> {
  const drained = await auditWhenDrained(endpoints, load.sent, DRAIN, clock);
  complain(faultsOf(drained.audit));
  const ledger = (await composition.askLedger(LEDGER_QUERY)).map(entryOfRow);
  const charged: Entry[] = [];
  for (const processor of PROCESSORS) {
    charged.push(...(await chargedAt(processor, PROCESSOR_URLS[processor], TOKEN)));
  }
  const differences = ledgerFaults(ledger, charged);
  complain(differences.slice(0, LISTED_MAX));
  if (differences.length > LISTED_MAX) complain([`${differences.length} such differences in all`]);
  const { lost, twice } = drained.audit;
  console.log(
    `audit     ${lost.length} lost, ${twice.length} charged twice, ${differences.length} differences between ` +
      `${ledger.length} rows of the ledger and the processors; settled after ${seconds(drained.tookMs)}`,
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`test:compose: ${(error as Error).message}`);
  process.exitCode = 2;
}
