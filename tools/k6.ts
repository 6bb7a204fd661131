// The contest's test against a running system: the load by k6, the score as the contest counts it, and
// then an audit of every payment. Writes reports/k6/<test>.json and .html.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/clock.ts';
import { auditWhenDrained } from './k6/drain.ts';
import { Endpoints } from './k6/endpoints.ts';
import { findK6, HOW_TO_GET_K6 } from './k6/find-k6.ts';
import { prepare, putBack } from './k6/harness.ts';
import { pageOf } from './k6/page.ts';
import type { Plan } from './k6/plan.ts';
import { delayMaxMs, planOf } from './k6/plan.ts';
import { printedOf } from './k6/printed.ts';
import type { Result } from './k6/result.ts';
import { exitCodeOf, resultOf, sentOf } from './k6/result.ts';
import { runK6 } from './k6/run-k6.ts';
import { makeDirectory } from './system/make-directory.ts';

const USAGE = `npm run k6 -- preview|final [options]
  --url       the system under test   (http://127.0.0.1:9999)
  --default   the default processor   (http://127.0.0.1:8001)
  --fallback  the fallback processor  (http://127.0.0.1:8002)
  --token     of the processors' admin side (123)
  --scale     0.2 shortens the test to a fifth (1)
  --drain     seconds granted for settling the rest before the audit (120)
  --report    directory of the report (reports/k6)
Ends with 0 when nothing is wrong, 1 when something is, 2 when it could not run, and 3 when nothing
is wrong but the processors have no GET /admin/payments to audit each id by.`;

const POLL_MS = 500;
/** Beyond the processors' longest delay, for a charge that nobody waits for any more. */
const LATE_MARGIN_MS = 1_000;
/** So long without any movement means that nothing more will come. */
const QUIET_MS = 20_000;

interface Command {
  readonly plan: Plan;
  readonly endpoints: Endpoints;
  readonly drainMs: number;
  readonly reportDirectory: string;
}

const text = (fallback: string) => ({ type: 'string', default: fallback }) as const;
const address = (url: string): string => new URL(url).href.replace(/\/+$/, '');

function commandOf(args: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: text('http://127.0.0.1:9999'),
      default: text('http://127.0.0.1:8001'),
      fallback: text('http://127.0.0.1:8002'),
      token: text('123'),
      scale: text('1'),
      drain: text('120'),
      report: text(join('reports', 'k6')),
    },
  });
  const [name, ...more] = positionals;
  if ((name !== 'preview' && name !== 'final') || more.length > 0) {
    throw new Error('which test: preview or final?');
  }
  const scale = Number(values.scale);
  const drainMs = Number(values.drain) * 1_000;
  if (!(scale > 0 && scale <= 10)) throw new Error('--scale must be above 0 and at most 10');
  if (!(drainMs >= 0)) throw new Error('--drain must be a number of seconds');
  const backend = address(values.url);
  const processors = [address(values.default), address(values.fallback)] as const;
  return {
    plan: planOf(name, scale),
    endpoints: new Endpoints({ backend, processors }, values.token),
    drainMs,
    reportDirectory: values.report,
  };
}

async function run(k6: string, command: Command, stop: AbortSignal): Promise<Result> {
  const { plan, endpoints, drainMs } = command;
  const token = endpoints.token;
  const warnings: string[] = [];
  try {
    await prepare(endpoints, plan, (warning) => warnings.push(warning), stop);
    console.log(
      `${plan.name}: up to ${plan.usersMax} payments/s at ${endpoints.addresses.backend} ` +
        `for ${Math.round(plan.durationMs / 1_000)} s`,
    );
    const k6Run = await runK6(k6, plan, endpoints, stop);
    const books = {
      standing: () => {
        stop.throwIfAborted();
        return endpoints.standing();
      },
      held: () => endpoints.held(),
    };
    const lateMs = delayMaxMs(plan) + LATE_MARGIN_MS;
    const limits = { drainMs, quietMs: QUIET_MS, lateMs, pollMs: POLL_MS };
    const sent = sentOf(k6Run.log.payments, plan);
    const drained = await auditWhenDrained(books, sent, limits, systemClock);
    return resultOf(plan, k6Run, drained, warnings);
  } finally {
    await putBack(endpoints, token);
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const k6 = findK6(process.env);
  if (k6 === null) throw new Error(HOW_TO_GET_K6);
  const command = commandOf(args);
  const interruption = new AbortController();
  const stop = (): void => {
    interruption.abort(new Error('interrupted'));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const result = await run(k6, command, interruption.signal);
  await makeDirectory(command.reportDirectory);
  const path = join(command.reportDirectory, command.plan.name);
  await writeFile(`${path}.json`, `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(`${path}.html`, pageOf(result));
  console.log(printedOf(result, `${path}.html`));
  return exitCodeOf(result);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
