// The submission under its limits, as containers: how fast it starts, what it uses under load, and whether the books hold when each
// part is killed in turn. Takes ports 9999, 8001 and 8002; removes what it made. Ends with 0 when all is well, 1 when something
// isn't, 2 when it could not run.
//
//   npm run test:compose            DOCKER_BUILD_FLAGS="--network host" is for `docker build`

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, systemClock } from '../src/clock.ts';
import { PROCESSORS, type ProcessorIndex } from '../src/payment.ts';
import * as composition from './compose/composition.ts';
import { whatIsMissing } from './compose/docker.ts';
import { entryOfRow, LEDGER_QUERY, ledgerFaults, type Entry } from './compose/ledger.ts';
import { Load } from './compose/load.ts';
import { usageBetween, type Usage } from './compose/usage.ts';
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
/** Of load before and after each kill. */
const PAUSE_MS = 3_000;
/** Slow enough that each kill meets payments under way. */
const DELAY_MS = 100;
const DRAIN = { drainMs: 90_000, quietMs: 40_000, lateMs: 2_000, pollMs: 500 } as const;
const LISTED_MAX = 10;
const REPORT = join('reports', 'compose');
const PARTS = [
  'api1',
  'api2',
  'nginx',
  'postgres',
  'payment-processor-default',
  'payment-processor-fallback',
] as const;

const clock = systemClock;
const endpoints = new Endpoints({ backend: BACKEND, processors: PROCESSOR_URLS }, TOKEN);
const faults: string[] = [];

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
    faults.push((error as Error).message);
  } finally {
    await mkdir(REPORT, { recursive: true });
    await writeFile(join(REPORT, 'containers.log'), await composition.logs());
    await composition.down();
  }
  for (const fault of faults) console.log(`FAULT     ${fault}`);
  if (faults.length > 0) console.log(`logs      ${join(REPORT, 'containers.log')}`);
  return faults.length === 0 ? 0 : 1;
}

async function start(): Promise<void> {
  const beganMs = clock.elapsed();
  await composition.up();
  await backendAnswers(RETURN_MS_MAX);
  const tookMs = clock.elapsed() - beganMs;
  console.log(`start     ${seconds(tookMs)} from nothing to the first summary`);
  if (tookMs > START_MS_MAX) faults.push(`the start took ${seconds(tookMs)}`);
}

async function tryIt(): Promise<void> {
  await endpoints.setLevers({ delayMs: DELAY_MS, failing: false });
  const load = new Load(BACKEND, clock);
  load.start(PER_SECOND);
  try {
    await measure(load);
    faults.push(...(await composition.outOfMemory()));
    for (const part of PARTS) await kill(part);
  } finally {
    await load.stop();
  }
  const { accepted, unknown } = load.sent;
  console.log(`sent      ${accepted.size} accepted, ${unknown.size} without a certain answer`);
  await audit(load);
}

/** A steady load, with all parts alive. */
async function measure(load: Load): Promise<void> {
  await sleep(clock, PAUSE_MS);
  load.takeLatencies();
  const before = await composition.usageByService();
  const most = new Map<string, Usage>();
  const endMs = clock.elapsed() + STEADY_MS;
  while (clock.elapsed() < endMs) {
    await sleep(clock, SAMPLE_MS);
    for (const [service, now] of await composition.usageByService()) {
      const was = most.get(service);
      const memoryBytes = Math.max(was?.memoryBytes ?? 0, now.memoryBytes);
      most.set(service, { ...now, memoryBytes });
    }
  }
  const latencies = load.takeLatencies();
  const at = (share: number): string =>
    (latencies[Math.floor(latencies.length * share)] ?? Number.NaN).toFixed(1);
  console.log(
    `load      ${PER_SECOND}/s for ${seconds(STEADY_MS)}: p50 ${at(0.5)}, p99 ${at(0.99)} ms`,
  );
  for (const [service, was] of before) {
    const last = most.get(service);
    if (last !== undefined) console.log(lineOf(service, usageBetween(was, last)));
  }
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

function lineOf(service: string, used: Usage): string {
  return (
    `          ${service.padEnd(9)} ${megabytes(used.memoryBytes)} of ${megabytes(used.memoryLimitBytes)} MB, ` +
    `${used.cpuMs.toFixed(0)} ms of CPU, throttled in ${used.throttledPeriods} of ${used.periods} periods, ` +
    `${used.throttledMs.toFixed(0)} ms`
  );
}

async function kill(part: string): Promise<void> {
  const beganMs = clock.elapsed();
  await composition.killAndStart(part);
  await backendAnswers(RETURN_MS_MAX);
  console.log(`killed    ${part}: summaries again after ${seconds(clock.elapsed() - beganMs)}`);
  await endpoints.setLevers({ delayMs: DELAY_MS, failing: false });
  await sleep(clock, PAUSE_MS);
}

/** @throws Error when no summary comes in time. */
async function backendAnswers(withinMs: number): Promise<void> {
  const deadlineMs = clock.elapsed() + withinMs;
  while ((await endpoints.backendSummary()).status !== 200) {
    if (clock.elapsed() > deadlineMs) throw new Error(`no summary within ${seconds(withinMs)}`);
    await sleep(clock, 50);
  }
}

async function audit(load: Load): Promise<void> {
  const drained = await auditWhenDrained(endpoints, load.sent, DRAIN, clock);
  faults.push(...faultsOf(drained.audit));
  const ledger = (await composition.askLedger(LEDGER_QUERY)).map(entryOfRow);
  const differences = ledgerFaults(ledger, await charged());
  faults.push(...differences.slice(0, LISTED_MAX));
  if (differences.length > LISTED_MAX) faults.push(`${differences.length} such differences in all`);
  const { lost, twice } = drained.audit;
  console.log(
    `audit     ${lost.length} lost, ${twice.length} charged twice, ${differences.length} differences between ` +
      `${ledger.length} rows of the ledger and the processors; settled after ${seconds(drained.tookMs)}`,
  );
}

/** All that both processors hold, with the times, which the ledger must have too. */
async function charged(): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const processor of PROCESSORS) entries.push(...(await chargedAt(processor)));
  return entries;
}

async function chargedAt(processor: ProcessorIndex): Promise<Entry[]> {
  const answer = await fetch(`${PROCESSOR_URLS[processor]}/admin/payments`, {
    headers: { 'X-Rinha-Token': TOKEN },
    signal: AbortSignal.timeout(60_000),
  });
  const payments = (await answer.json()) as readonly {
    readonly correlationId: string;
    readonly amountCents: number;
    readonly requestedAt: string;
  }[];
  return payments.map(({ correlationId, amountCents, requestedAt }) => ({
    id: correlationId,
    processor,
    cents: amountCents,
    requestedAtMs: Date.parse(requestedAt),
  }));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`test:compose: ${(error as Error).message}`);
  process.exitCode = 2;
}
