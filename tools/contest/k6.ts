// `npm run k6`: a test against a running system. k6 sends the load, the score is computed as the
// contest computes it, and then every payment is audited.

import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sleep, systemClock } from '../../src/clock.ts';
import { auditWhenDrained, type Drained } from '../audit/drain.ts';
import { ensureFree } from '../system/ports.ts';
import { RunningParts } from '../system/running-parts.ts';
import { readTest, type Test } from './command.ts';
import { disturb, type Disturbed } from './disturb.ts';
import { findK6, noK6, tryOutputs, versionOfK6 } from './find-k6.ts';
import { demandProcessors, prepare, putBack, waitForBackend } from './harness.ts';
import { listenForInterruption, type Interruption } from './interruption.ts';
import { LiveLog } from './live-log.ts';
import { reportPage } from './page/report-page.ts';
import { delayMaxMs } from './plan.ts';
import { printedOf } from './printed.ts';
import { Progress } from './progress.ts';
import { checkPurge } from './purge-guard.ts';
import { exitCodeOf, resultOf, sentOf, unloggedOf, type Result } from './result.ts';
import { runK6, type K6Run } from './run-k6.ts';
import { listingOf } from './run-list.ts';
import { deleteOldRuns, K6_PAGE_FILE, makeRunFolder, PAGE_FILE, RESULT_FILE } from './runs.ts';
import { familiesOf, Sampler, type Sample } from './sampler.ts';
import { surroundingsOf, type Surroundings } from './surroundings.ts';

const POLL_MS = 500;
/** After the processors' longest delay, for charges whose callers have given up. */
const LATE_MARGIN_MS = 1_000;
/** If no total changes for so long, nothing more will settle. */
const QUIET_MS = 20_000;
/** Who interrupts a test waits for its report no longer than this. */
const DRAIN_INTERRUPTED_MS = 15_000;

interface Setting {
  readonly k6: string;
  readonly test: Test;
  readonly parts: RunningParts | undefined;
  readonly surroundings: Surroundings;
  readonly interruption: Interruption;
}

interface Loaded {
  readonly k6Run: K6Run;
  readonly samples: readonly Sample[];
  readonly disturbed: readonly Disturbed[];
}

/** The load, with everything that watches and disturbs it. */
async function sendLoad(setting: Setting, folder: string): Promise<Loaded> {
  const { k6, parts, interruption } = setting;
  const { plan, endpoints, dashboardPort, outs, sampleMs } = setting.test;
  let pid: number | undefined;
  let progress: Progress | undefined;
  let disturbing: Promise<Disturbed[]> = Promise.resolve([]);
  const sampler = new Sampler(
    endpoints,
    familiesOf(parts, () => pid),
    sampleMs,
  );
  const over = new AbortController();
  const dashboardPath = join(folder, K6_PAGE_FILE);
  try {
    const all = { k6, plan, endpoints, dashboardPath, dashboardPort, outs };
    const k6Run = await runK6(all, interruption.load, (child, logPath) => {
      pid = child.pid;
      const log = new LiveLog(logPath);
      progress = new Progress(plan, log, sampler);
      const stop = AbortSignal.any([interruption.load, over.signal]);
      if (parts !== undefined && plan.disturbances.length > 0) {
        disturbing = begun(log, stop).then((startedMs) => disturb(parts, plan, startedMs, stop));
      }
    });
    over.abort();
    return { k6Run, samples: sampler.samples, disturbed: await disturbing };
  } finally {
    over.abort();
    progress?.stop();
  }
}

/** When the first payment was sent. */
async function begun(log: LiveLog, stop: AbortSignal): Promise<number> {
  while (log.startedAtMs === null && !stop.aborted) await sleep(systemClock, 50);
  return log.startedAtMs ?? systemClock.now();
}

async function audit({ test, interruption }: Setting, k6Run: K6Run): Promise<Drained> {
  const { plan, endpoints, drainMs } = test;
  const books = {
    standing: () => {
      interruption.audit.throwIfAborted();
      return endpoints.standing();
    },
    held: () => endpoints.held(),
  };
  const limits = {
    drainMs: k6Run.interrupted ? Math.min(drainMs, DRAIN_INTERRUPTED_MS) : drainMs,
    quietMs: QUIET_MS,
    lateMs: delayMaxMs(plan) + LATE_MARGIN_MS,
    pollMs: POLL_MS,
  };
  const sent = sentOf(k6Run.log.payments, plan, unloggedOf(plan, k6Run));
  return auditWhenDrained(books, sent, limits, systemClock);
}

/** Resets everything and sends the load; afterwards the processors are as before. */
async function resetAndSend(
  setting: Setting,
  folder: string,
  warn: (warning: string) => void,
): Promise<Loaded> {
  const { test, interruption } = setting;
  const { plan, endpoints } = test;
  const { token } = endpoints;
  try {
    await prepare(endpoints, plan, warn);
    interruption.load.throwIfAborted();
    console.log(beginningOf(test));
    const loaded = await sendLoad(setting, folder);
    if (loaded.k6Run.log.payments.length === 0) interruption.load.throwIfAborted();
    return loaded;
  } finally {
    await putBack(endpoints, token);
  }
}

async function run(setting: Setting): Promise<{ result: Result; folder: string }> {
  const { test, parts, surroundings, interruption } = setting;
  const { plan, endpoints, mayPurge, runs } = test;
  const warnings: string[] = [];
  await waitForBackend(endpoints, plan, interruption.load);
  await demandProcessors(endpoints);
  const instanceSockets = parts?.instanceSockets() ?? [];
  console.log(await checkPurge({ endpoints, instanceSockets, runs, mayPurge }));
  const { commit, isDirty } = surroundings;
  const folder = await makeRunFolder(runs, {
    at: new Date(),
    test: plan.name,
    commit: isDirty ? `${commit}-dirty` : commit,
  });
  let result: Result | undefined;
  try {
    const warn = (warning: string): number => warnings.push(warning);
    const { k6Run, samples, disturbed } = await resetAndSend(setting, folder, warn);
    console.log('waiting for accepted payments to settle');
    if (plan.disturbances.length > 0 && parts === undefined) {
      warnings.push('no part was killed: only the processors failed');
    }
    const drained = await audit(setting, k6Run);
    const name = basename(folder) + (k6Run.interrupted ? '-partial' : '');
    const { addresses } = endpoints;
    const context = { name, addresses, surroundings, samples, disturbed, warnings };
    result = resultOf(plan, k6Run, drained, context);
    return { result, folder };
  } finally {
    // A run without a result leaves nothing behind.
    if (result === undefined) await rm(folder, { recursive: true });
  }
}

function beginningOf({ plan, endpoints, dashboardPort }: Test): string {
  const most =
    plan.rates === null ? plan.usersMax : Math.max(...plan.rates.map(({ perSecond }) => perSecond));
  const seconds = Math.round(plan.durationMs / 1_000);
  const where = endpoints.addresses.backend;
  const load = `${plan.name}: up to ${most} payments/s at ${where} for ${seconds} s`;
  if (dashboardPort === null) return load;
  return (
    `${load}\nk6's dashboard: http://127.0.0.1:${dashboardPort} ` +
    '(k6 ends only when it is closed in the browser)'
  );
}

/** Writes both files. Returns their paths, in words. */
async function store(result: Result, folder: string): Promise<string> {
  const place = join(dirname(folder), result.name);
  await writeFile(join(folder, RESULT_FILE), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(folder, PAGE_FILE), reportPage(result));
  if (place !== folder) await rename(folder, place);
  const k6Page = join(place, K6_PAGE_FILE);
  const files = [join(place, RESULT_FILE), join(place, PAGE_FILE)];
  return [...files, ...(existsSync(k6Page) ? [k6Page] : [])].join(', ');
}

async function main(test: Test): Promise<number> {
  const k6 = findK6(process.env);
  if (k6 === null) throw new Error(noK6(process.env));
  const version = await versionOfK6(k6);
  if (test.dashboardPort !== null) await ensureFree(test.dashboardPort, '--dashboard-port');
  await tryOutputs(k6, test.outs);
  const interruption = listenForInterruption();
  const { addresses } = test.endpoints;
  const parts = RunningParts.find({
    dataDirectory: test.dataDirectory,
    url: addresses.backend,
    processorUrls: addresses.processors,
  });
  const surroundings = surroundingsOf(version, parts?.pids.get('instance 0'));
  const { result, folder } = await run({ k6, test, parts, surroundings, interruption });
  const files = await store(result, folder);
  console.log(printedOf(result, files));
  for (const name of await deleteOldRuns(test.runs, test.keep)) console.log(`deleted ${name}`);
  if (result.isPartial) console.error('interrupted');
  return exitCodeOf(result);
}

const test = readTest();
try {
  if ('list' in test) console.log(await listingOf(test.runs));
  else process.exitCode = await main(test);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
