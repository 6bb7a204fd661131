// The contest's load as a k6 script: payments, the processors' stages and the checker, all from the
// PLAN it is given. It judges nothing: it writes one line per event, which run-log.ts reads back:
//   P <sent at, ms> <duration, ms> <status, or 0:k6's error code> <id>    a payment
//   C {at, fromMs, toMs, answers}  a check    S {at, stage, statuses}  a stage    E {answers}  the end
// k6's own outputs would write some ten lines per payment, on the cores that the system needs.
// k6 brings no types of its own.
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-member-access */
import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';

const plan = JSON.parse(__ENV.PLAN);
const amount = Number(plan.amount);
const timeout = `${plan.timeoutMs}ms`;
const duration = `${plan.durationMs}ms`;

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: ['med', 'p(90)', 'p(99)', 'max', 'count'],
  scenarios: {
    payments: {
      exec: 'payments',
      executor: 'ramping-vus',
      startVUs: 1,
      stages: [{ duration, target: plan.usersMax }],
    },
    stages: { exec: 'stages', executor: 'per-vu-iterations', vus: 1, iterations: 1 },
    checker: { exec: 'checker', executor: 'constant-vus', vus: 1, duration },
  },
};

const postParams = { headers: { 'Content-Type': 'application/json' }, timeout };
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
  const status = answer.status === 0 ? `0:${answer.error_code}` : answer.status;
  console.log(`P ${sentAt} ${answer.timings.duration.toFixed(3)} ${status} ${id}`);
  sleep(plan.sleepMs / 1000);
}

export function stages() {
  plan.stages.forEach(({ atMs, levers }, stage) => {
    const waitMs = exec.scenario.startTime + atMs - Date.now();
    if (waitMs > 0) sleep(waitMs / 1000);
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

/** The summaries of the backend, the default processor and the fallback one, read at once. */
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
