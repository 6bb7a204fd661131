// `npm run test:compose`: the submission as containers under its limits. It measures the start and
// the use under load, kills each part in turn, and compares the ledger with the processors.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, systemClock as clock } from '../src/clock.ts';
import { PROCESSORS } from '../src/payment.ts';
import { faultsOf } from './audit/audit.ts';
import { auditWhenDrained } from './audit/drain.ts';
import { readCommandLine } from './command-line.ts';
import { chargedAt } from './compose/charged.ts';
import * as composition from './compose/composition.ts';
import * as killing from './compose/killing.ts';
import { entryOfRow, LEDGER_QUERY, ledgerFaults, type Entry } from './compose/ledger.ts';
import { Load } from './compose/load.ts';
import {
  endpoints,
  msUntil,
  PORT,
  PROCESSOR_URLS,
  summaryAnswers,
  TOKEN,
} from './compose/running.ts';
import { quantile } from './load/open-loop.ts';
import { memoryFaults, usageBetween, usageLine, type Usage } from './compose/usage.ts';

/** The contest waits 75 s. */
const START_MS_MAX = 15_000;
const RETURN_MS_MAX = 30_000;
const PER_SECOND = 300;
const STEADY_MS = 20_000;
const SAMPLE_MS = 1_000;
/** How long the load runs before and after each kill. */
const PAUSE_MS = 3_000;
/** The processors' delay: each kill shall meet payments under way. */
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

/** A set, because two checks may find the same fault. */
const faults = new Set<string>();
/** The latest use of each limited part, with the most memory of the whole run. */
const used = new Map<string, Usage>();

function complain(found: readonly string[]): void {
  for (const fault of found) faults.add(fault);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function main(): Promise<number> {
  await composition.buildImages();
  // An earlier run may have left containers.
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

/** `up` makes the networks and the volumes too; `down` has removed them. */
async function start(): Promise<void> {
  const beganMs = clock.elapsed();
  await composition.up();
  const tookMs = await msUntil('a summary', RETURN_MS_MAX, summaryAnswers, beganMs);
  console.log(`start     ${seconds(tookMs)} from nothing to the first summary`);
  if (tookMs > START_MS_MAX) complain([`the start took ${seconds(tookMs)}`]);
}

async function tryIt(): Promise<void> {
  await endpoints.setLevers({ delayMs: DELAY_MS, failing: false });
  const load = new Load(PORT, PER_SECOND);
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

/** Under a steady load, with all parts alive. */
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
  const at = (share: number): string => quantile(latencies, share).toFixed(1);
  console.log(
    `load      ${PER_SECOND}/s for ${seconds(STEADY_MS)}: p50 ${at(0.5)}, p99 ${at(0.99)} ms`,
  );
  for (const [service, was] of before) {
    const last = used.get(service);
    if (last !== undefined) console.log(usageLine(service, usageBetween(was, last)));
  }
}

async function look(): Promise<void> {
  for (const [service, now] of await composition.usageByService()) {
    const mostBytes = used.get(service)?.memoryBytes ?? 0;
    used.set(service, { ...now, memoryBytes: Math.max(mostBytes, now.memoryBytes) });
  }
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
    msUntil(`${part} runs again`, RETURN_MS_MAX, runsAgain, beganMs),
    msUntil('a summary', RETURN_MS_MAX, summaryAnswers, beganMs),
  ]);
  const instanceMs = INSTANCES.includes(part)
    ? await msUntil(`${part} answers`, RETURN_MS_MAX, answers, beganMs)
    : undefined;
  // A simulator that starts again has no delay.
  await endpoints.setLevers({ delayMs: DELAY_MS, failing: false });
  await sleep(clock, PAUSE_MS);
  const silenceMs = load.takeLongestSilenceMs();
  const what = { part, how, awayMs, instanceMs, summaryMs, silenceMs };
  console.log(`killed    ${killing.lineOf(what)}`);
  complain(killing.faultsOf(what));
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
    `audit     ${lost.length} lost, ${twice.length} charged twice, ` +
      `${differences.length} differences between ${ledger.length} rows of the ledger and the ` +
      `processors; settled after ${seconds(drained.tookMs)}`,
  );
}

readCommandLine({
  name: 'test:compose',
  does:
    'Tries the submission as containers under its limits: how fast it starts, what it uses under ' +
    'load, how long intake stands still when each part is killed in turn, and whether the books ' +
    'hold. Removes the containers and volumes that it made.',
  ...composition.DOCKER,
  takes: 'Takes about two minutes once the images are built.',
  ends: { 0: 'all is well', 1: 'something is not', 2: 'it could not run' },
});
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`test:compose: ${(error as Error).message}`);
  process.exitCode = 2;
}
