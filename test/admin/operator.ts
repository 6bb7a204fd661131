// An operator's desk in a test: two instances with admin servers, payments that nobody takes, and
// the requests that operators send.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { openStage } from '../faults/stage.ts';
import type { AcceptedPayment } from '../world/audit.ts';
import { Client, type Reply } from '../world/client.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';

const BAD_CENTS = 66_600;
export const { world, random } = await openStage({
  gaps: true,
  environment: {
    TIMEOUT_DEFAULT_MS: '300',
    TIMEOUT_SLACK_MS: '300',
    TIMEOUT_FALLBACK_MS: '300',
    TIMEOUT_MAX_MS: '1000',
  },
});
export const socketOf = (number: 0 | 1): string => `${world.instance(number).socketPath}.admin`;
export const admin = new Client(socketOf(0));

before(async () => {
  for (const number of [0, 1] as const) {
    await world.instance(number).kill('SIGTERM');
    await world.instance(number).restart({ ADMIN_LISTEN: socketOf(number) });
    await world.instance(number).becomes('agreed');
  }
});

export const idOf = (owner: 0 | 1): string => `${idToText(random.id()).slice(0, -1)}${owner}`;

export async function pay(id: string, cents = BAD_CENTS): Promise<AcceptedPayment> {
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  assert.equal((await world.client.pay(id, amount)).status, 202);
  return { id, cents };
}

interface Listed {
  readonly correlationId: string;
  readonly state: string;
  readonly instance: number;
  readonly unknown?: boolean;
  readonly lastAnswer?: { readonly status: number; readonly outcome: string };
}

export async function list(search = ''): Promise<{
  readonly payments: readonly Listed[];
  readonly counts: Readonly<Record<string, number>>;
  readonly unreachable: readonly number[];
}> {
  const { status, body } = await admin.send('GET', `/payments${search}`);
  assert.equal(status, 200, body);
  return JSON.parse(body) as Awaited<ReturnType<typeof list>>;
}

export const statusOf = async (id: string): Promise<Listed & { readonly mayBeCharged?: boolean }> =>
  JSON.parse((await admin.send('GET', `/payments/${id}`)).body) as Listed;

export const order = (id: string, action: string, more: object = {}): Promise<Reply> =>
  admin.send('POST', `/payments/${id}/${action}`, {
    body: JSON.stringify({ actor: 'ana', reason: 'the payer called', ...more }),
  });

export async function becomes(id: string, state: string): Promise<void> {
  await waitUntil(`${id} is ${state}`, async () => (await statusOf(id)).state === state);
}

export const recordedActions = (id: string): Promise<{ action: string; actor: string }[]> =>
  query(
    world.databaseUrl,
    `SELECT action, actor FROM operator_actions WHERE correlation_id = '${id}' ORDER BY id`,
  );

/** Payments of BAD_CENTS fail for themselves at both processors. */
export async function failBad(kind: 'status' | 'hang' = 'status'): Promise<void> {
  for (const { levers } of world.processors) {
    await levers.setFault({ kind, status: 500, amountCents: BAD_CENTS });
  }
}

/** Payments that nobody takes are set aside only while others get through. */
export async function setAside(owner: 0 | 1): Promise<AcceptedPayment> {
  await failBad();
  const bad = await pay(idOf(owner));
  accepted.push(await pay(idOf(owner), 1_990), await pay(idOf(owner), 1_990));
  await waitUntil('it is set aside', async () => {
    if ((await statusOf(bad.id)).state === 'set aside') return true;
    accepted.push(await pay(idOf(owner), 1_990));
    return false;
  });
  return bad;
}

export const accepted: AcceptedPayment[] = [];
