// What the contest does before its script: it waits for the backend, resets everything, and in the
// final sets a secret token at the processors. `putBack` undoes what would outlast a run.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROCESSORS, processorName } from '../../src/payment.ts';
import type { Endpoints } from '../audit/endpoints.ts';
import type { Plan } from './plan.ts';
import { READY_TRIES } from './plan.ts';
import type { Answer } from '../audit/totals.ts';
import { backendTotals, processorFeeBps, sumOf } from '../audit/totals.ts';

/** @throws Error when the test can't begin. Warns of what looks wrong. */
export async function prepare(
  endpoints: Endpoints,
  plan: Plan,
  warn: (warning: string) => void,
): Promise<void> {
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

/** The processors have no delay, do not fail, and have the old token again. */
export async function putBack(endpoints: Endpoints, token: string): Promise<void> {
  await endpoints.setLevers({ delayMs: 0, failing: false });
  if (endpoints.token !== token) await endpoints.changeToken(token);
}

/** Reads only. @throws Error when the backend's summary never is a 200. */
export async function waitForBackend(
  endpoints: Endpoints,
  plan: Plan,
  stop: AbortSignal,
): Promise<void> {
  const url = `${endpoints.addresses.backend}/payments-summary`;
  let last = '';
  for (let tries = 1; tries <= READY_TRIES; tries++) {
    const { status } = await endpoints.backendSummary();
    if (status === 200) return;
    last = status === 0 ? 'no answer' : `${status}`;
    stop.throwIfAborted();
    if (tries === 1) {
      const seconds = Math.ceil(((READY_TRIES - 1) * plan.readyEveryMs) / 1_000);
      console.log(`waiting up to ${seconds} s for GET ${url} (${last}); npm start starts it`);
    }
    if (tries < READY_TRIES) await sleepUnless(plan.readyEveryMs, stop);
  }
  throw new Error(`GET ${url} is not 200 after ${READY_TRIES} tries (the last one: ${last})`);
}

async function sleepUnless(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
}

/** Reads only. @throws Error unless both processors take the token. */
export async function demandProcessors(endpoints: Endpoints): Promise<void> {
  (await endpoints.processorSummaries()).forEach(demand);
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
