// What `npm run k6` takes, and what a run needs to know.

import { join, resolve } from 'node:path';
import { Endpoints } from '../audit/endpoints.ts';
import { endWithUsage, readCommandLine, type Command } from '../command-line.ts';
import { loadPlanOf, PAYMENTS_MAX, RATES } from './load-tests.ts';
import { K6_VARIABLE } from './find-k6.ts';
import { planOf, SCALE_OPTION, type Plan, type TestName } from './plan.ts';

/** The same variables as those of `npm start`. */
function localAddress(name: string, port: number): string {
  return `http://127.0.0.1:${process.env[name] || port}`;
}

export const RUNS = join('reports', 'k6');
const MINUTES = 10;
const DASHBOARD_PORT = 5665;

const COMMAND = {
  name: 'k6',
  does:
    "Runs a test with k6 against a running system: the load, the score in the contest's tests, " +
    'and an audit of every payment. preview (1 min) and final (5 min) are the tests of the ' +
    'contest. burst (40 s): 50 payments/s, then 1,500/s for 10 s, then 50/s; shows what is refused ' +
    'and how the backlog drains. soak (--minutes): a steady rate; says whether p99 or memory ' +
    'drift. faults (90 s): a steady rate while instances, nginx and PostgreSQL of npm start are ' +
    'killed (-9) or paused, and the processors fail in turn; the audit says whether a payment was ' +
    'lost or charged twice. Each run has a folder with result.json, report.html and ' +
    "k6-dashboard.html, k6's own page. Ctrl-C ends the load and reports what there is; a second " +
    'one ends at once.',
  needs: 'k6, and the system with both processors (npm start)',
  takes: 'Takes the length of the test, and up to two minutes more for the audit.',
  words: {
    test: {
      about: 'the test',
      oneOf: ['preview', 'final', 'burst', 'soak', 'faults'],
      otherwise: 'none, with --list',
    },
  },
  options: {
    list: { about: 'shows the runs that are kept, and runs nothing', preset: false },
    url: { about: 'the system under test', preset: localAddress('PORT', 9999) },
    default: {
      about: 'the default processor',
      preset: localAddress('SIMULATOR_DEFAULT_PORT', 8001),
    },
    fallback: {
      about: 'the fallback processor',
      preset: localAddress('SIMULATOR_FALLBACK_PORT', 8002),
    },
    token: { about: "the token of the processors' admin endpoints", preset: '123' },
    purge: {
      about:
        'a run begins with a purge of the system and of both processors; this allows it when ' +
        'they hold payments that the last run did not leave there',
      preset: false,
    },
    scale: SCALE_OPTION,
    rate: {
      about: 'payments per second of burst (at its height), soak and faults',
      otherwise: `${RATES.burst}, ${RATES.soak} and ${RATES.faults}`,
      least: 1,
      most: 20_000,
    },
    minutes: {
      about: 'length of soak',
      otherwise: `${MINUTES}`,
      least: 0.05,
      most: 1_440,
      fraction: true,
    },
    drain: {
      about: 'seconds in which the accepted payments may still settle before the audit',
      preset: 120,
      least: 0,
      fraction: true,
    },
    sample: {
      about:
        'seconds between two looks at what the processors hold and at CPU and memory of the ' +
        'parts; 0: none, and no graphs of them',
      preset: 1,
      least: 0,
      most: 60,
    },
    dashboard: { about: "serves k6's own dashboard while the test runs", preset: false },
    'dashboard-port': { about: 'its port', preset: DASHBOARD_PORT, least: 1, most: 65_535 },
    out: {
      about: 'a further output of k6, as k6 takes it: json=file, csv=file, …; may be repeated',
      many: true,
      preset: '',
    },
    report: { about: 'directory of the runs', preset: RUNS },
    keep: { about: 'how many runs are kept; the oldest are deleted', preset: 50, least: 1 },
  },
  environment: {
    K6: K6_VARIABLE,
    PORT: 'the port of the system under test, as for npm start (default: 9999)',
    SIMULATOR_DEFAULT_PORT: 'the port of the default processor (default: 8001)',
    SIMULATOR_FALLBACK_PORT: 'the port of the fallback processor (default: 8002)',
    DATA_DIR: 'the directory of npm start, where its parts are found (default: .data)',
  },
  ends: {
    0: 'every check holds',
    1: 'a check failed, or soak drifts',
    2: 'the test could not run, or was interrupted',
    3: 'every check holds, but the processors do not list their payments, so no id was audited',
  },
} as const satisfies Command;

export interface Test {
  readonly plan: Plan;
  readonly endpoints: Endpoints;
  readonly drainMs: number;
  /** 0: no samples. */
  readonly sampleMs: number;
  readonly mayPurge: boolean;
  readonly dashboardPort: number | null;
  readonly outs: readonly string[];
  /** The directory of the runs. */
  readonly runs: string;
  readonly keep: number;
  /** DATA_DIR of npm start. */
  readonly dataDirectory: string;
}

interface Listing {
  readonly list: true;
  readonly runs: string;
}

/** What the addresses come from where no option names them. */
const VARIABLES = {
  url: 'PORT',
  default: 'SIMULATOR_DEFAULT_PORT',
  fallback: 'SIMULATOR_FALLBACK_PORT',
} as const;

function demandPort(variable: string): void {
  const port = process.env[variable];
  if (!port || (/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) return;
  endWithUsage(COMMAND, `${variable} is "${port}", must be a port`);
}

/** Ends the program on --help and on an error. */
export function readTest(): Test | Listing {
  const values = readCommandLine(COMMAND);
  if (values.list) return { list: true, runs: values.report };
  const { test } = values;
  if (test === undefined) {
    endWithUsage(COMMAND, `test is missing: ${COMMAND.words.test.oneOf.join(' or ')}`);
  }
  const address = (name: keyof typeof VARIABLES): string => {
    const url = values[name];
    if (url === COMMAND.options[name].preset) demandPort(VARIABLES[name]);
    const protocol = URL.canParse(url) ? new URL(url).protocol : '';
    if (!/^https?:$/.test(protocol)) {
      endWithUsage(COMMAND, `--${name} is "${url}", must be an http:// or https:// address`);
    }
    return new URL(url).href.replace(/\/+$/, '');
  };
  const own = values.out.find((out) => /^web-dashboard(?:$|=)/.test(out));
  if (own !== undefined) {
    endWithUsage(COMMAND, `--out is "${own}": --dashboard serves it, and each run keeps its page`);
  }
  const processors = [address('default'), address('fallback')] as const;
  return {
    plan: planFor(test, values),
    endpoints: new Endpoints({ backend: address('url'), processors }, values.token),
    drainMs: values.drain * 1_000,
    sampleMs: values.sample * 1_000,
    mayPurge: values.purge,
    dashboardPort: values.dashboard ? values['dashboard-port'] : null,
    outs: values.out,
    runs: values.report,
    keep: values.keep,
    dataDirectory: resolve(process.env['DATA_DIR'] || '.data'),
  };
}

interface Lengths {
  readonly scale: number;
  readonly rate: number | undefined;
  readonly minutes: number | undefined;
}

function planFor(test: TestName, { scale, rate, minutes }: Lengths): Plan {
  if (minutes !== undefined && test !== 'soak') {
    endWithUsage(COMMAND, `--minutes is for soak; --scale changes the length of ${test}`);
  }
  if (test === 'preview' || test === 'final') {
    if (rate !== undefined) endWithUsage(COMMAND, `--rate is not for ${test}: the contest sets it`);
    return planOf(test, scale);
  }
  const plan = loadPlanOf(test, { scale, rate: rate ?? RATES[test], minutes: minutes ?? MINUTES });
  const most = Math.max(...(plan.rates ?? []).map(({ perSecond }) => perSecond));
  const payments = (most * plan.durationMs) / 1_000;
  if (payments > PAYMENTS_MAX) {
    endWithUsage(
      COMMAND,
      `${test} would send up to ${Math.round(payments)} payments, more than ${PAYMENTS_MAX}: ` +
        'lower --rate, --scale or --minutes',
    );
  }
  return plan;
}
