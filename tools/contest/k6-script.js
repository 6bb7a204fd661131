// The contest's load as a k6 script: payments, the processors' stages and the checker, all from the
// environment variable PLAN. It writes one line per event, which run-log.ts reads:
//   P <sent at, ms> <duration, ms> <answer> <id>                          a payment; the answer is
//     its status, 0: and k6's error code, or 503:maybe when the payment may have been taken
//   C {at, fromMs, toMs, answers}                                         a check
//   S {at, stage, statuses}                                               a stage
//   E {answers}                                                           the end
// These lines are also the points of the report's graphs: k6's own outputs would write some ten
// lines per payment, and use CPU that the system needs.
// k6 has no types.
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-member-access */
import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';

const plan = JSON.parse(__ENV.PLAN);
const amount = Number(plan.amount);
const timeout = `${plan.timeoutMs}ms`;
const duration = `${plan.durationMs}ms`;
const STAGE_EARLY_MS = 100;

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: ['med', 'p(90)', 'p(99)', 'max', 'count'],
  scenarios: {
    payments: plan.rates === null ? waitingUsers() : steadyRates(),
    stages: {
      exec: 'stages',
      executor: 'per-vu-iterations',
      vus: 1,
      iterations: 1,
      maxDuration: `${plan.durationMs + 60_000}ms`,
    },
    checker: { exec: 'checker', executor: 'constant-vus', vus: 1, duration },
  },
};

function waitingUsers() {
  return {
    exec: 'payments',
    executor: 'ramping-vus',
    startVUs: 1,
    stages: [{ duration, target: plan.usersMax }],
  };
}

/** Each step jumps to its rate and stays there until the next one. */
function steadyRates() {
  const steps = plan.rates.flatMap(({ atMs, perSecond }, step) => {
    const endMs = step + 1 < plan.rates.length ? plan.rates[step + 1].atMs : plan.durationMs;
    return [
      { target: perSecond, duration: '0s' },
      { target: perSecond, duration: `${endMs - atMs}ms` },
    ];
  });
  return {
    exec: 'payments',
    executor: 'ramping-arrival-rate',
    startRate: plan.rates[0].perSecond,
    timeUnit: '1s',
    preAllocatedVUs: Math.ceil(plan.usersMax / 4),
    maxVUs: plan.usersMax,
    stages: steps,
  };
}

const postParams = {
  headers: { 'Content-Type': 'application/json' },
  timeout,
  responseType: 'text',
};
const readParams = { headers: { 'X-Rinha-Token': plan.token }, timeout, responseType: 'text' };
const adminParams = {
  headers: { 'Content-Type': 'application/json', 'X-Rinha-Token': plan.token },
  timeout,
};

export function payments() {
  const id = crypto.randomUUID();
  const sentAt = Date.now();
  const answer = http.post(
    `${plan.url}/payments`,
    JSON.stringify({ correlationId: id, amount }),
    postParams,
  );
  console.log(`P ${sentAt} ${answer.timings.duration.toFixed(3)} ${wordOf(answer)} ${id}`);
  if (plan.sleepMs > 0) sleep(plan.sleepMs / 1000);
}

/** A proxy that lost an instance says so in its 503. */
function wordOf({ status, error_code: code, body }) {
  if (status === 0) return `0:${code}`;
  return status === 503 && /may have been taken/.test(body) ? '503:maybe' : status;
}

export function stages() {
  plan.stages.forEach(({ atMs, levers }, stage) => {
    const waitMs = exec.scenario.startTime + atMs - Date.now();
    if (waitMs > 0) sleep(waitMs / 1000);
    // Ctrl-C ends the sleep early: no further stage is set.
    if (exec.scenario.startTime + atMs - Date.now() > STAGE_EARLY_MS) return;
    const puts = [];
    levers.forEach(({ delayMs, failing }, processor) => {
      const admin = `${plan.processors[processor]}/admin/configurations`;
      puts.push(['PUT', `${admin}/delay`, JSON.stringify({ delay: delayMs }), adminParams]);
      puts.push(['PUT', `${admin}/failure`, JSON.stringify({ failure: failing }), adminParams]);
    });
    const statuses = http.batch(puts).map(({ status }) => status);
    console.log(`S ${JSON.stringify({ at: Date.now(), stage, statuses })}`);
  });
}

/** The summaries of the backend, the default processor and the fallback one, asked at once. */
function readSummaries(query) {
  return http
    .batch([
      ['GET', `${plan.url}/payments-summary${query}`, null, readParams],
      ['GET', `${plan.processors[0]}/admin/payments-summary${query}`, null, readParams],
      ['GET', `${plan.processors[1]}/admin/payments-summary${query}`, null, readParams],
    ])
    .map(({ status, body }) => ({ status, body }));
}

export function checker() {
  const at = Date.now();
  const fromMs = at - plan.checkFromMs;
  const toMs = at - plan.checkToMs;
  const query = `?from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
  console.log(`C ${JSON.stringify({ at, fromMs, toMs, answers: readSummaries(query) })}`);
  sleep(plan.checkEveryMs / 1000);
}

export function teardown() {
  console.log(`E ${JSON.stringify({ answers: readSummaries('') })}`);
}

export function handleSummary(data) {
  return { [plan.summaryPath]: JSON.stringify(data.metrics) };
}
