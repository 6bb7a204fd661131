// Lists of held payments, anomalies and actions; orders that can't be read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import {
  accepted,
  admin,
  idOf,
  list,
  order,
  pay,
  recordedActions,
  setAside,
  world,
} from './operator.ts';

test(`payments of all instances are listed, oldest first, by state ${AGAIN}`, async () => {
  const [first, second] = [await setAside(0), await setAside(1)];
  const { payments, counts, unreachable } = await list('?state=set%20aside');
  assert.deepEqual(
    payments.map(({ correlationId, instance }) => [correlationId, instance]),
    [
      [first.id, 0],
      [second.id, 1],
    ],
  );
  assert.equal(payments[0]?.lastAnswer?.status, 500);
  assert.equal(counts['set aside'], 2);
  assert.deepEqual(unreachable, []);
  assert.equal((await list('?limit=1')).payments.length, 1);
  for (const search of ['?limit=0', '?limit=x', '?state=lost', '?colour=red']) {
    assert.equal((await admin.send('GET', `/payments${search}`)).status, 400, search);
  }
  for (const [path, field] of [
    ['/payments?limit=1&limit=2', 'limit'],
    ['/payments?state=queued&limit=1&state=queued', 'state'],
    ['/anomalies?limit=1&limit=1', 'limit'],
    ['/actions?limit=1&limit=2', 'limit'],
  ] as const) {
    const { status, body } = await admin.send('GET', path);
    assert.equal(status, 400, path);
    assert.deepEqual(JSON.parse(body), { error: 'bad request', field, reason: 'is given twice' });
  }
  await heal(world.processors);
  accepted.push(first, second);
  await audit(world, accepted);
});

test('an order that can not be read names the field, and changes nothing', async () => {
  const id = idOf(0);
  const wrong: [string, string, unknown, string][] = [
    [id, 'retry', '', 'body'],
    [id, 'retry', '[]', 'body'],
    [id, 'retry', '{"reason":"x"}', 'actor'],
    [id, 'retry', '{"actor":" ","reason":"x"}', 'actor'],
    [id, 'retry', '{"actor":"a\\nb","reason":"x"}', 'actor'],
    [id, 'retry', `{"actor":"a","reason":"${'x'.repeat(501)}"}`, 'reason'],
    [id, 'retry', '{"actor":"a","reason":7}', 'reason'],
    [id, 'retry', '{"actor":"a","reason":"x","processor":"default"}', 'processor'],
    [id, 'send', '{"actor":"a","reason":"x"}', 'processor'],
    [id, 'send', '{"actor":"a","reason":"x","processor":"both"}', 'processor'],
    [id, 'give-up', '{"actor":"a","reason":"x","mayBeCharged":"yes"}', 'mayBeCharged'],
    [id, 'give-up', '{"actor":"a","reason":"x","colour":1}', 'colour'],
    ['4711', 'retry', '{"actor":"a","reason":"x"}', 'correlationId'],
  ];
  for (const [to, action, body, field] of wrong) {
    const reply = await admin.send('POST', `/payments/${to}/${action}`, { body: String(body) });
    assert.equal(reply.status, 400, `${String(body)}: ${reply.body}`);
    assert.equal((JSON.parse(reply.body) as { field: string }).field, field);
  }
  assert.equal((await order(id, 'retry')).status, 404);
  assert.equal((await admin.send('GET', `/payments/${id}/retry`)).status, 405);
  for (const [path, status] of [
    [`/payments/${id}/forgive`, 404],
    [`/payments/${id}/retry/now`, 404],
    ['/forgive', 404],
    ['/internal/status', 404],
    [`/payments/${id}`, 405],
    ['/live', 405],
    ['/events', 405],
    ['/page/main.js', 405],
    ['/', 405],
  ] as const) {
    for (const method of ['POST', 'DELETE']) {
      assert.equal((await admin.send(method, path)).status, status, path);
    }
  }
  const long = { body: `{"actor":"a","reason":"${'x'.repeat(5_000)}"}` };
  assert.equal((await admin.send('POST', `/payments/${id}/retry`, long)).status, 413);
});

test('actions and anomalies are listed, newest first', async () => {
  const bad = await setAside(1);
  accepted.push(bad);
  for (let orders = 0; orders < 4; orders++) await order(bad.id, 'retry');
  await heal(world.processors);
  const { body } = await admin.send('GET', '/actions?limit=3');
  const { actions } = JSON.parse(body) as { actions: { doneAt: string; reason: string }[] };
  assert.equal(actions.length, 3);
  const times = actions.map(({ doneAt }) => doneAt);
  assert.deepEqual(times, times.toSorted().toReversed());
  assert.equal(actions[0]?.reason, 'the payer called');
  assert.deepEqual(JSON.parse((await admin.send('GET', '/anomalies')).body), { anomalies: [] });
  assert.equal((await admin.send('GET', '/actions?limit=0')).status, 400);
});

test(`a purge forgets what was given up, and keeps the actions ${AGAIN}`, async () => {
  const { id } = await setAside(0);
  await waitUntil('it is given up', async () => (await order(id, 'give-up')).status === 200);
  await heal(world.processors);
  assert.equal((await world.client.send('POST', '/purge-payments')).status, 200);
  for (const { levers } of world.processors) await levers.purge();
  const again = await pay(id, 1_990);
  await audit(world, [again]);
  assert.ok((await recordedActions(id)).length > 0);
});
