// What an operator can do to one payment, whichever instance holds it: have it tried now, send it
// to the other processor, give it up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { holdPayments } from '../world/anomalies.ts';
import { audit } from '../world/audit.ts';
import type { Reply } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';
import {
  accepted,
  becomes,
  failBad,
  idOf,
  order,
  pay,
  recordedActions,
  setAside,
  socketOf,
  statusOf,
  world,
} from './operator.ts';

for (const owner of [0, 1] as const) {
  test(`a payment of instance ${owner} that is set aside is sent to the processor that the operator names ${AGAIN}`, async () => {
    const bad = await setAside(owner);
    await world.processors[1]?.levers.setFault({ kind: 'none' });
    const reply = await order(bad.id, 'send', { processor: 'fallback' });
    assert.equal(reply.status, 200, reply.body);
    await becomes(bad.id, 'settled');
    assert.deepEqual(await recordedActions(bad.id), [{ action: 'send', actor: 'ana' }]);
    await heal(world.processors);
    accepted.push(bad);
    await audit(world, accepted);
  });

  test(`a payment of instance ${owner} is given up: it is never charged, and says so ${AGAIN}`, async () => {
    const bad = await setAside(owner);
    assert.equal((await order(bad.id, 'retry')).status, 200);
    const reply = await waitUntilAnswered(() => order(bad.id, 'give-up'));
    assert.equal(reply.status, 200, reply.body);
    assert.equal((await statusOf(bad.id)).state, 'given up');
    assert.equal((await statusOf(bad.id)).mayBeCharged, false);
    const last = (await recordedActions(bad.id)).at(-1);
    assert.deepEqual(last, { action: 'give up', actor: 'ana' });
    await heal(world.processors);
    const again = await world.client.pay(bad.id, '666.00');
    assert.equal(again.status, 410);
    assert.equal((JSON.parse(again.body) as { field: string }).field, 'correlationId');
    await world.instance(owner).kill();
    await world.instance(owner).restart({ ADMIN_LISTEN: socketOf(owner) });
    await waitUntil('the restarted instance has asked the ledger', async () => {
      return (await world.client.pay(bad.id, '666.00')).status === 410;
    });
    assert.equal((await order(bad.id, 'retry')).status, 409);
    await audit(world, accepted);
  });
}

/** An attempt may be under way at the moment: then the order is to be repeated. */
async function waitUntilAnswered(send: () => Promise<Reply>): Promise<Reply> {
  let reply = await send();
  await waitUntil('no attempt is under way', async () => {
    if (reply.status !== 409) return true;
    reply = await send();
    return reply.status !== 409;
  });
  return reply;
}

test(`a payment that a processor may hold goes nowhere else, and is given up only knowingly ${AGAIN}`, async () => {
  await failBad('hang');
  const bad = await pay(idOf(1));
  await waitUntil('its outcome is unknown', async () => {
    return (await statusOf(bad.id)).unknown === true;
  });
  const sent = await order(bad.id, 'send', { processor: 'fallback' });
  assert.equal(sent.status, 409, sent.body);
  assert.equal((await order(bad.id, 'retry')).status, 200);
  const refused = await order(bad.id, 'give-up');
  assert.equal(refused.status, 409);
  assert.equal((JSON.parse(refused.body) as { field: string }).field, 'mayBeCharged');
  const reply = await order(bad.id, 'give-up', { mayBeCharged: true });
  assert.ok(reply.status === 200 || reply.status === 202, reply.body);
  await becomes(bad.id, 'given up');
  assert.equal((await statusOf(bad.id)).mayBeCharged, true);
  await heal(world.processors);
  await audit(world, accepted);
});

test(`a give-up that the ledger has not recorded yet survives kill -9 ${AGAIN}`, async () => {
  const bad = await setAside(0);
  const lock = await holdPayments(world.databaseUrl, 'given_up');
  const reply = await waitUntilAnswered(() => order(bad.id, 'give-up'));
  assert.equal(reply.status, 202, reply.body);
  await becomes(bad.id, 'giving up');
  await heal(world.processors);
  await world.instance(0).kill();
  await world.instance(0).restart({ ADMIN_LISTEN: socketOf(0) });
  await lock.release();
  await becomes(bad.id, 'given up');
  await audit(world, accepted);
});

test(`without the ledger no order is carried out ${AGAIN}`, async () => {
  const bad = await setAside(0);
  await world.gaps.database.refuse();
  world.gaps.database.reset();
  for (const [action, more] of [
    ['retry', {}],
    ['send', { processor: 'default' }],
    ['give-up', {}],
  ] as const) {
    const reply = await waitUntilAnswered(() => order(bad.id, action, more));
    assert.equal(reply.status, 503, reply.body);
  }
  await world.gaps.database.accept();
  await becomes(bad.id, 'set aside');
  assert.deepEqual(await recordedActions(bad.id), []);
  await heal(world.processors);
  accepted.push(bad);
  await audit(world, accepted);
});
