// Payments that no processor takes, beside good ones: however they are answered, every good one is
// charged, and each bad one is in the status and in the log. Once the processors take them, they
// are charged too.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import type { Fault } from '../../tools/simulator/faults.ts';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const BAD = 200;
const BAD_CENTS = 66_600;
const GOOD = 300;
const GOOD_EVERY_MS = 5;

const KINDS: Readonly<Record<string, Partial<Fault> & Pick<Fault, 'kind'>>> = {
  400: { kind: 'status', status: 400 },
  422: { kind: 'status', status: 422 },
  429: { kind: 'status', status: 429 },
  500: { kind: 'status', status: 500 },
  502: { kind: 'status', status: 502 },
  'a reset': { kind: 'drop-before-insert' },
  'a hang': { kind: 'hang' },
};

const { world, random } = await openStage({
  instances: 1,
  front: false,
  environment: { TIMEOUT_SLACK_MS: '500' },
});
const [instance] = world.instances;
assert.ok(instance);

interface Stuck {
  readonly correlationId: string;
}

async function stuck(): Promise<ReadonlySet<string>> {
  const { body } = await instance!.client.send('GET', '/internal/status');
  const { stuck: listed } = JSON.parse(body) as { readonly stuck: readonly Stuck[] };
  return new Set(listed.map(({ correlationId }) => correlationId));
}

async function pay(cents: number): Promise<AcceptedPayment> {
  const id = idToText(random.id());
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  assert.equal((await world.client.pay(id, amount)).status, 202);
  return { id, cents };
}

for (const [kind, fault] of Object.entries(KINDS)) {
  test(`${BAD} payments that are answered with ${kind} for ever hold up nobody ${AGAIN}`, async () => {
    for (const { levers } of world.processors) {
      await levers.purge();
      await levers.setFault({ ...fault, amountCents: BAD_CENTS });
    }
    assert.equal((await instance.client.send('POST', '/purge-payments')).status, 200);
    const bad = await Promise.all(Array.from({ length: BAD }, () => pay(BAD_CENTS)));
    const good: AcceptedPayment[] = [];
    for (let n = 0; n < GOOD; n++) {
      good.push(await pay(1_990));
      await sleep(GOOD_EVERY_MS);
    }
    await waitUntil('only the bad ones are left', async () => {
      return (await instance.status()).held === BAD;
    });
    const listed = await stuck();
    for (const { id } of bad) {
      assert.ok(listed.has(id), `${id} is listed`);
      await waitUntil(`${id} is in the log`, () =>
        instance.lines.some((line) => line.includes(id)),
      );
    }
    for (const { id } of good) assert.ok(!listed.has(id), `${id} is not listed`);

    await heal(world.processors);
    await audit(world, [...bad, ...good]);
  });
}
