// The contract's answers from the real system: nginx, two instances, PostgreSQL and two processors.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { audit, chargedAt, type AcceptedPayment } from '../world/audit.ts';
import { DatabaseServer } from '../world/database.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

let database: DatabaseServer;
let world: World;
const accepted: AcceptedPayment[] = [];

before(async () => {
  database = await DatabaseServer.start();
  world = await openWorld({ database });
});
after(async () => {
  await world.close();
  await database.close();
});

const bodyOf = (id: string, amount: string): string =>
  `{"correlationId":"${id}","amount":${amount}}`;

async function pay(id: string, amount = '19.90', to = world.client): Promise<number> {
  const { status } = await to.send('POST', '/payments', { body: bodyOf(id, amount) });
  if (status === 202 && !accepted.some((payment) => payment.id === id)) {
    accepted.push({ id, cents: Math.round(Number(amount) * 100) });
  }
  return status;
}

test('a payment is answered 202 and is in the summary at once', async () => {
  const id = randomUUID();
  assert.equal(await pay(id, '12.34'), 202);
  await waitUntil('it is charged', async () => (await chargedAt(world)).default === 1);
  const { status, body, headers } = await world.client.send('GET', '/payments-summary');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(
    body,
    '{"default":{"totalRequests":1,"totalAmount":12.34},"fallback":{"totalRequests":0,"totalAmount":0.00}}',
  );
});

test('an id is charged once, however often and wherever it is posted at once', async () => {
  const id = randomUUID();
  const everywhere = [world.client, world.instance(0).client, world.instance(1).client];
  const statuses = await Promise.all(
    Array.from({ length: 60 }, (_, n) => pay(id, n % 2 ? '7' : '7.00', everywhere[n % 3])),
  );
  assert.deepEqual(new Set(statuses), new Set([202]));
  await audit(world, accepted);
});

test('the same id again is 202 and with another amount 409, also after it was settled', async () => {
  const id = randomUUID();
  await pay(id, '5.00');
  await audit(world, accepted);
  for (const { client } of world.instances) {
    assert.equal(await pay(id, '5.00', client), 202);
    assert.equal(await pay(id.toUpperCase(), '5', client), 202);
    assert.equal(await pay(id, '5.01', client), 409);
  }
  accepted.splice(
    accepted.findIndex((payment) => payment.id === id.toUpperCase()),
    1,
  );
  await audit(world, accepted);
});

test('what is no payment is a 400 that names field and reason, and changes nothing', async () => {
  const { status, body } = await world.client.send('POST', '/payments', { body: '{"amount":1}' });
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), {
    error: 'bad request',
    field: 'correlationId',
    reason: 'is missing',
  });
  for (const amount of ['0', '-1', '1.001', '"1"', '1e400', '', '1,1', 'null']) {
    assert.equal(await pay(randomUUID(), amount), 400);
  }
  await audit(world, accepted);
});

test('other paths are 404, other methods 405 with Allow, internal paths are not for clients', async () => {
  for (const path of ['/', '/payment', '/payments/', '/internal/status', '/internal/purge']) {
    const reply = await world.client.send('POST', path);
    assert.equal(reply.status, 404, path);
    assert.match(reply.body, /^\{"error":/);
  }
  for (const [method, path, allow] of [
    ['GET', '/payments', 'POST'],
    ['PUT', '/payments', 'POST'],
    ['POST', '/payments-summary', 'GET'],
    ['DELETE', '/payments-summary?from=x', 'GET'],
    ['GET', '/purge-payments', 'POST'],
  ] as const) {
    const reply = await world.client.send(method, path);
    assert.equal(reply.status, 405, path);
    assert.equal(reply.headers.allow, allow);
    assert.match(reply.body, /^\{"error":/);
  }
});

const iso = (ms: number): string => new Date(ms).toISOString();

test('a summary counts both ends, to the millisecond, whatever the offset', async () => {
  const rows = (await Promise.all(world.processors.map(({ levers }) => levers.payments()))).flat();
  const times = rows.map(({ requestedAt }) => Date.parse(requestedAt)).toSorted((a, b) => a - b);
  const first = times[0] as number;
  const count = async (from: string, to: string): Promise<number> => {
    const { status, body } = await world.client.send(
      'GET',
      `/payments-summary?from=${from}&to=${to}`,
    );
    assert.equal(status, 200, body);
    const summary = JSON.parse(body) as Record<'default' | 'fallback', { totalRequests: number }>;
    return summary.default.totalRequests + summary.fallback.totalRequests;
  };
  const expected = times.filter((time) => time === first).length;
  assert.equal(await count(iso(first), iso(first)), expected);
  assert.equal(await count(iso(first + 1), iso(Date.now())), times.length - expected);
  const inSaoPaulo = iso(first - 3 * 3_600_000).replace('Z', '-03:00');
  assert.equal(await count(inSaoPaulo, inSaoPaulo), expected);
  assert.equal(await count(iso(first), iso(first - 1)), 0);
  for (const query of [
    'from=yesterday',
    'to=1',
    'from=2025-02-30',
    'from=2025-01-01&from=2025-01-01',
  ]) {
    const { status, body } = await world.client.send('GET', `/payments-summary?${query}`);
    assert.equal(status, 400);
    assert.match(body, /"field":"(from|to)"/);
  }
});

test('every amount up to the maximum keeps its cents from end to end', async () => {
  for (const amount of ['0.01', '0.1', '33.33', '99999999999.99', '90071992547.93']) {
    assert.equal(await pay(randomUUID(), amount), 202);
  }
  await audit(world, accepted);
  const { body } = await world.client.send('GET', '/payments-summary');
  const cents = accepted.reduce((sum, payment) => sum + BigInt(payment.cents), 0n);
  const digits = cents.toString();
  assert.ok(body.includes(`"totalAmount":${digits.slice(0, -2)}.${digits.slice(-2)}}`), body);
});

test('a full ring is a 503 with Retry-After, holds what it took, and takes more when there is room', async () => {
  const small = await openWorld({
    database,
    environment: { RING_SLOTS: '20', CONSUMERS: '5' },
  });
  try {
    for (const { levers } of small.processors) await levers.setFailing(true);
    const taken: AcceptedPayment[] = [];
    const replies = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const id = randomUUID();
        const reply = await small.client.send('POST', '/payments', { body: bodyOf(id, '1.00') });
        if (reply.status === 202) taken.push({ id, cents: 100 });
        return reply;
      }),
    );
    const refused = replies.filter(({ status }) => status !== 202);
    assert.equal(taken.length, 40);
    assert.equal(refused.length, 60);
    for (const { status, headers } of refused) {
      assert.equal(status, 503);
      assert.equal(headers['retry-after'], '1');
    }
    for (const { levers } of small.processors) await levers.setFailing(false);
    await audit(small, taken);
    assert.equal(
      (await small.client.send('POST', '/payments', { body: bodyOf(randomUUID(), '1') })).status,
      202,
    );
  } finally {
    await small.close();
  }
});

test('a purge empties everything, where it is allowed', async () => {
  assert.equal((await world.client.send('POST', '/purge-payments')).status, 200);
  const { body } = await world.client.send('GET', '/payments-summary');
  assert.doesNotMatch(body, /[1-9]/);
  for (const { levers } of world.processors) await levers.purge();
  const again = accepted.splice(0)[0] as AcceptedPayment;
  assert.equal(await pay(again.id, '12.34'), 202);
  await audit(world, accepted);

  await world.instance(0).kill('SIGTERM');
  await world.instance(0).restart({ ALLOW_PURGE: '0' });
  assert.equal((await world.instance(0).client.send('POST', '/purge-payments')).status, 404);
  await audit(world, accepted);
});

test('a setting out of bounds stops the start and is named', async () => {
  const instance = world.instance(0);
  for (const [name, value] of [
    ['CONSUMERS', '0'],
    ['BATCH_WAIT_MS', 'ten'],
    ['JOURNAL_SYNC', 'sometimes'],
    ['DATABASE_URL', ''],
    ['RING_SLOTS', '10'],
  ] as const) {
    const program = new Program(new URL('../../src/main.js', import.meta.url));
    program.start({
      SOCKET_PATH: `${instance.socketPath}.other`,
      JOURNAL_PATH: `${instance.journalPath}.other`,
      DATABASE_URL: world.databaseUrl,
      PROCESSOR_DEFAULT_URL: world.default.url,
      PROCESSOR_FALLBACK_URL: world.fallback.url,
      [name]: value,
    });
    await waitUntil('it ends', () => !program.running);
    assert.match(program.lastWords(), new RegExp(name));
  }
});
