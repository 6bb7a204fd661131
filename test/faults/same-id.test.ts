// The same id any number of times, at once, at either instance, through nginx or past it, before,
// during and after an outage of an instance, of both, or of the ledger: it is one payment, with the
// amount that was accepted first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { anomaliesIn } from '../world/anomalies.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import type { Client } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';
import { GOOD_ANSWERS } from './load.ts';
import { openStage } from './stage.ts';

const IDS = 24;
const AMOUNT = '19.90';
const accepted: AcceptedPayment[] = [];
const { world, random } = await openStage({ environment: { LEDGER_TIMEOUT_MS: '400' } });

const everywhere = (): readonly Client[] => [
  world.client,
  ...world.instances.map(({ client }) => client),
];

/** Posts each id everywhere at once. An id that was answered 202 is accepted. */
async function postAll(ids: readonly string[], taken: Set<string>): Promise<void> {
  await Promise.all(
    ids.flatMap((id) =>
      everywhere().map(async (client) => {
        const status = await client.pay(id, AMOUNT).then(
          (reply) => reply.status,
          () => 0,
        );
        assert.ok(GOOD_ANSWERS.includes(status), `${id} is answered ${status}`);
        if (status === 202) taken.add(id);
      }),
    ),
  );
}

test(`an id is one payment however often it comes, through every failover ${AGAIN}`, async () => {
  const ids = Array.from({ length: IDS }, () => idToText(random.id()));
  const taken = new Set<string>();
  const steps: readonly (() => unknown)[] = [
    () => {},
    () => world.instance(0).kill(),
    () => world.instance(0).restart(),
    () => world.default.levers.setFault({ kind: 'drop-after-insert', share: 0.5, seed: 1 }),
    () => world.instance(1).kill(),
    () => world.instance(1).restart(),
    () => world.database.kill(),
    () => Promise.all(world.instances.map((instance) => instance.kill())),
    () => Promise.all(world.instances.map((instance) => instance.restart())),
    () => world.database.restart(),
    () => world.default.levers.setFault({ kind: 'none' }),
  ];
  for (const [n, step] of steps.entries()) {
    // Each step brings new ids too, and everything goes on while it is taken.
    const known = ids.slice(0, Math.ceil(((n + 1) * IDS) / steps.length));
    const posting = postAll(known, taken);
    await step();
    await posting;
    await postAll(known, taken);
  }
  await waitUntil('all are accepted', async () => {
    await postAll(ids, taken);
    return taken.size === IDS;
  });
  accepted.push(...ids.map((id) => ({ id, cents: 1990 })));
  await audit(world, accepted);

  // Settled, and after one more restart of everything, it is still the same.
  for (const instance of world.instances) {
    await instance.kill();
    await instance.restart();
  }
  await waitUntil('each is known with its amount', async () => {
    const replies = await Promise.all(ids.map((id) => world.client.pay(id, AMOUNT)));
    return replies.every(({ status }) => status === 202);
  });
  for (const id of ids) assert.equal((await world.client.pay(id, '20.00')).status, 409, id);
  await audit(world, accepted);
});

test(`another amount that was taken in the owner's absence changes nothing: the owner's counts ${AGAIN}`, async () => {
  const owned = Array.from({ length: 10 }, () => `${idToText(random.id()).slice(0, -1)}0`);
  for (const { levers } of world.processors) await levers.setFailing(true);
  for (const id of owned) {
    assert.equal((await world.instance(0).client.pay(id, '10.00')).status, 202);
  }
  await world.instance(0).kill();
  for (const id of owned) {
    const { status } = await world.instance(1).client.pay(id, '20.00');
    assert.equal(status, 202, 'nobody there can know of the other amount');
    assert.equal((await world.instance(1).client.pay(id, '30.00')).status, 409);
  }
  assert.equal((await world.instance(1).status()).foreign, owned.length);
  for (const { levers } of world.processors) await levers.setFailing(false);
  await world.instance(0).restart();
  accepted.push(...owned.map((id) => ({ id, cents: 1000 })));
  await audit(world, accepted);
  const told = (await anomaliesIn(world.databaseUrl)).filter(
    ({ kind }) => kind === 'owner knows another amount',
  );
  assert.deepEqual(told.map(({ id }) => id).toSorted(), owned.toSorted(), 'each is kept');
  assert.deepEqual(told[0]?.accepted, { amountCents: 2000 });
  await waitUntil('each is in the log', () => {
    return world.instance(1).said('owner knows another amount') === owned.length;
  });
});

test(`what was taken in the owner's absence outlives the one who took it ${AGAIN}`, async () => {
  const ids = Array.from({ length: 10 }, () => `${idToText(random.id()).slice(0, -1)}0`);
  await world.instance(0).kill();
  for (const id of ids) {
    assert.equal((await world.instance(1).client.pay(id, AMOUNT)).status, 202);
  }
  await world.instance(1).kill();
  await world.instance(1).restart();
  await waitUntil('it holds them again', async () => {
    return (await world.instance(1).status()).foreign === ids.length;
  });
  await world.instance(0).restart();
  accepted.push(...ids.map((id) => ({ id, cents: 1990 })));
  await audit(world, accepted);
});
