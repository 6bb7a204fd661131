// Runs k6-script.js under k6 and reads what it wrote. An interruption is passed on to k6, which
// then stops in good order, so that what was sent until then can be audited.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decimalFromCents } from '../../src/cents.ts';
import type { Endpoints } from '../audit/endpoints.ts';
import { field, parseJson } from '../audit/json-field.ts';
import type { Latency } from './latency.ts';
import { CLIENT_TIMEOUT_MS, USER_SLEEP_MS, type Plan } from './plan.ts';
import type { RunLog } from './run-log.ts';
import { readRunLog } from './run-log.ts';

export interface K6Run {
  readonly log: RunLog;
  /** Over all successful HTTP requests: payments, stages and checker, as the contest counts. */
  readonly latency: Latency;
  /** Payments that k6 should have sent by its rate, and had no free user for. */
  readonly notSent: number;
  readonly interrupted: boolean;
}

const SCRIPT = fileURLToPath(new URL('../../../tools/contest/k6-script.js', import.meta.url));

export interface Load {
  /** The path of k6. */
  readonly k6: string;
  readonly plan: Plan;
  readonly endpoints: Endpoints;
  /** Where k6 writes its own dashboard as a page. A run of a few seconds has none. */
  readonly dashboardPath: string;
  /** Where k6 serves its dashboard meanwhile; null: nowhere. */
  readonly dashboardPort: number | null;
  /** Further outputs of k6, as it takes them after --out. */
  readonly outs: readonly string[];
}

/** Called once k6 runs, with its process and the file that its script writes. */
type Started = (child: ChildProcess, logPath: string) => void;

export async function runK6(load: Load, stop: AbortSignal, started: Started): Promise<K6Run> {
  const place = await mkdtemp(join(tmpdir(), 'repasse-k6-'));
  try {
    const paths = {
      log: join(place, 'events.log'),
      summary: join(place, 'summary.json'),
      complaints: join(place, 'k6.log'),
    };
    // Its own process group: a Ctrl-C reaches k6 through us alone: a second one would abort it.
    const child = spawn(load.k6, ['run', ...argumentsFor(load, paths), SCRIPT], {
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    });
    started(child, paths.log);
    const code = await exitCodeOf(child, stop);
    const interrupted = stop.aborted;
    if (code !== 0 && !interrupted) {
      const complaints = await readFile(paths.complaints, 'utf8').catch(() => '');
      const last = complaints.trim().split('\n').slice(-5).join('\n');
      throw new Error(`k6 ended with ${code}\n${last}`);
    }
    const metrics = parseJson(await readFile(paths.summary, 'utf8').catch(() => ''));
    const text = await readFile(paths.log, 'utf8').catch(() => '');
    return {
      // A k6 that was killed may have left half a line.
      log: readRunLog(text.slice(0, text.lastIndexOf('\n') + 1)),
      latency: latencyIn(metrics),
      notSent: countIn(metrics, 'dropped_iterations'),
      interrupted,
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

interface Paths {
  readonly log: string;
  readonly summary: string;
  readonly complaints: string;
}

function argumentsFor(load: Load, paths: Paths): string[] {
  const { plan, endpoints, dashboardPath, dashboardPort, outs } = load;
  const settings = {
    url: endpoints.addresses.backend,
    processors: endpoints.addresses.processors,
    token: endpoints.token,
    amount: decimalFromCents(plan.amountCents),
    timeoutMs: CLIENT_TIMEOUT_MS,
    sleepMs: plan.rates === null ? USER_SLEEP_MS : 0,
    durationMs: plan.durationMs,
    usersMax: plan.usersMax,
    rates: plan.rates,
    checkEveryMs: plan.checkEveryMs,
    checkFromMs: plan.checkFromMs,
    checkToMs: plan.checkToMs,
    stages: plan.stages,
    summaryPath: paths.summary,
  };
  // No REST server (its port is fixed), no usage report. k6's warnings go to a file: it warns of
  // each failed request.
  const quiet = ['--quiet', '--no-color', '--no-usage-report', '--address', ''];
  const log = ['--log-format', 'raw', '--log-output', `file=${paths.complaints}`];
  const events = ['--console-output', paths.log];
  // The page is written at the end; port -1 means that nothing serves it meanwhile.
  // k6 reads its settings as a query: in a bare path "&" would end it.
  const file = encodeURIComponent(dashboardPath);
  const page = `web-dashboard=port=${dashboardPort ?? -1}&period=1s&export=${file}`;
  const out = [page, ...outs].flatMap((each) => ['--out', each]);
  return [...quiet, ...log, ...events, ...out, '--env', `PLAN=${JSON.stringify(settings)}`];
}

async function exitCodeOf(child: ChildProcess, stop: AbortSignal): Promise<number | string> {
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

function countIn(metrics: unknown, name: string): number {
  const count = field(field(field(metrics, name), 'values'), 'count');
  return typeof count === 'number' ? count : 0;
}

function latencyIn(metrics: unknown): Latency {
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
