// Runs contest.js under k6 and brings back what it wrote. An interruption is passed on to k6, so that
// it stops in order and whoever waits here can put things back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decimalFromCents } from '../../src/cents.ts';
import type { Endpoints } from './endpoints.ts';
import { field, parseJson } from './json-field.ts';
import type { Plan } from './plan.ts';
import { CLIENT_TIMEOUT_MS, USER_SLEEP_MS } from './plan.ts';
import type { RunLog } from './run-log.ts';
import { readRunLog } from './run-log.ts';
import type { Latency } from './latency.ts';

export interface K6Run {
  readonly log: RunLog;
  /** Over all successful HTTP requests: payments, stages and checker, as the contest counts. */
  readonly latency: Latency;
}

const SCRIPT = fileURLToPath(new URL('../../../tools/k6/contest.js', import.meta.url));

export async function runK6(
  k6: string,
  plan: Plan,
  endpoints: Endpoints,
  stop: AbortSignal,
): Promise<K6Run> {
  const place = await mkdtemp(join(tmpdir(), 'repasse-k6-'));
  try {
    const logPath = join(place, 'events.log');
    const summaryPath = join(place, 'summary.json');
    const complaintsPath = join(place, 'k6.log');
    const settings = {
      url: endpoints.addresses.backend,
      processors: endpoints.addresses.processors,
      token: endpoints.token,
      amount: decimalFromCents(plan.amountCents),
      timeoutMs: CLIENT_TIMEOUT_MS,
      sleepMs: USER_SLEEP_MS,
      durationMs: plan.durationMs,
      usersMax: plan.usersMax,
      checkEveryMs: plan.checkEveryMs,
      checkFromMs: plan.checkFromMs,
      checkToMs: plan.checkToMs,
      stages: plan.stages,
      summaryPath,
    };
    // No REST server (its port is fixed), no report home; k6 warns of each failed request: to a file.
    const quiet = ['--quiet', '--no-color', '--no-usage-report', '--address', ''];
    const log = ['--log-format', 'raw', '--log-output', `file=${complaintsPath}`];
    const events = ['--console-output', logPath];
    const setting = ['--env', `PLAN=${JSON.stringify(settings)}`];
    const code = await exitCodeOf(
      k6,
      ['run', ...quiet, ...log, ...events, ...setting, SCRIPT],
      stop,
    );
    stop.throwIfAborted();
    if (code !== 0) {
      const complaints = await readFile(complaintsPath, 'utf8').catch(() => '');
      const last = complaints.trim().split('\n').slice(-5).join('\n');
      throw new Error(`k6 ended with ${code}\n${last}`);
    }
    return {
      log: readRunLog(await readFile(logPath, 'utf8')),
      latency: latencyIn(await readFile(summaryPath, 'utf8')),
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function exitCodeOf(
  k6: string,
  args: readonly string[],
  stop: AbortSignal,
): Promise<number | string> {
  // Its own process group: a Ctrl-C reaches k6 through us alone, as a second one would abort it.
  const child = spawn(k6, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  const interrupt = (): void => {
    child.kill('SIGINT');
  };
  stop.addEventListener('abort', interrupt);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return code ?? signal ?? 'no code';
  } finally {
    stop.removeEventListener('abort', interrupt);
  }
}

function latencyIn(summary: string): Latency {
  const metrics = parseJson(summary);
  const values = field(field(metrics, 'http_req_duration{expected_response:true}'), 'values');
  const count = field(values, 'count');
  if (typeof count !== 'number' || count === 0) {
    return { count: 0, p50Ms: null, p90Ms: null, p99Ms: null, maxMs: null };
  }
  const ms = (name: string): number | null => {
    const value = field(values, name);
    return typeof value === 'number' ? value : null;
  };
  return { count, p50Ms: ms('med'), p90Ms: ms('p(90)'), p99Ms: ms('p(99)'), maxMs: ms('max') };
}
