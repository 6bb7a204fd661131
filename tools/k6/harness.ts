// What the contest does around its script: it waits for the backend, resets everything, and in the
// final locks the processors with a token of its own. `putBack` undoes what outlasts a run.
import { randomUUID } from 'node:crypto';
import { systemClock, sleep } from '../../src/clock.ts';
import { PROCESSORS, processorName } from '../../src/payment.ts';
import type { Endpoints } from './endpoints.ts';
import type { Plan } from './plan.ts';
import { READY_TRIES } from './plan.ts';
import type { Answer } from './totals.ts';
import { backendTotals, processorFeeBps, sumOf } from './totals.ts';

/** Throws with what is wrong when the test can't begin; otherwise warns of what looks odd. */
export async function prepare(
  endpoints: Endpoints,
  plan: Plan,
  warn: (warning: string) => void,
  stop: AbortSignal,
): Promise<void> {
  await waitForBackend(endpoints, plan, stop);
  for (const processor of PROCESSORS) {
    demand((await endpoints.processorSummaries())[processor], processor);
  }
  if (plan.freshToken) {
    (await endpoints.changeToken(randomUUID())).forEach(demand);
  }
  const purged = await endpoints.purgeBackend();
  if (purged.status < 200 || purged.status > 299) {
    warn(`POST /purge-payments of the backend answered ${purged.status}`);
  }
  (await endpoints.purgeProcessors()).forEach(demand);
  await endpoints.setLevers({ delayMs: 0, failing: false });
  await lookAround(endpoints, plan, warn);
}

/** The processors as they were: fast, sound, and opened by the old token. */
export async function putBack(endpoints: Endpoints, token: string): Promise<void> {
  await endpoints.setLevers({ delayMs: 0, failing: false });
  if (endpoints.token !== token) await endpoints.changeToken(token);
}

async function waitForBackend(endpoints: Endpoints, plan: Plan, stop: AbortSignal): Promise<void> {
  let answer: Answer = { status: 0, body: null };
  for (let tries = 1; tries <= READY_TRIES; tries++) {
    answer = await endpoints.backendSummary();
    if (answer.status === 200) return;
    stop.throwIfAborted();
    if (tries < READY_TRIES) await sleep(systemClock, plan.readyEveryMs);
  }
  const url = `${endpoints.addresses.backend}/payments-summary`;
  const last = answer.status === 0 ? 'no answer' : `${answer.status}`;
  throw new Error(`GET ${url} is not 200 after ${READY_TRIES} tries (the last one: ${last})`);
}

function demand({ status }: Answer, processor: number): void {
  if (status >= 200 && status < 300) return;
  const name = processorName(processor === 0 ? 0 : 1);
  const why = status === 0 ? 'does not answer' : `answered ${status}: is the --token right?`;
  throw new Error(`the admin side of the ${name} processor ${why}`);
}

async function lookAround(
  endpoints: Endpoints,
  plan: Plan,
  warn: (warning: string) => void,
): Promise<void> {
  const before = backendTotals(await endpoints.backendSummary());
  if (before !== null && sumOf(before).requests > 0) {
    warn(`the backend still counts ${sumOf(before).requests} payments of before the run`);
  }
  const answers = await endpoints.processorSummaries();
  for (const processor of PROCESSORS) {
    const bps = processorFeeBps(answers[processor]);
    if (bps !== plan.feeBps[processor]) {
      const takes = bps === null ? 'an unknown fee' : `${bps / 100} %`;
      warn(
        `the ${processorName(processor)} processor takes ${takes}; the ${plan.name} test ` +
          `counts with ${plan.feeBps[processor] / 100} %`,
      );
    }
  }
}
