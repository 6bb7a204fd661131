// The contest's contract of a processor, point by point; its two limiters are in limits.test.ts.

import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { Levers } from '../../tools/simulator/levers.ts';
import { startSimulator, type Simulator } from '../../tools/simulator/processor-simulator.ts';
import { Caller, idOf } from './caller.ts';
import { waitUntil } from '../world/wait-until.ts';
import { ManualClock } from './manual-clock.ts';

const ID = idOf(1);
const clock = new ManualClock();
const simulator: Simulator = await startSimulator({
  name: 'default',
  port: 0,
  feePercent: 5,
  clock,
});
const caller = new Caller(simulator.url);
const levers = new Levers(simulator.url);

beforeEach(async () => {
  await levers.setDelay(0);
  await levers.setFailing(false);
  await levers.purge();
});

after(async () => {
  caller.close();
  await simulator.close();
});

const asleep = (count: number): Promise<boolean> =>
  waitUntil(`${count} asleep`, () => clock.pending === count);

describe('POST /payments', () => {
  it('answers 200 with a message and holds what was sent, with the time', async () => {
    clock.advance(70);
    const chargedAtMs = clock.now();
    const reply = await caller.charge(ID).reply;
    assert.equal(reply.status, 200);
    assert.equal(typeof (JSON.parse(reply.text) as { message: unknown }).message, 'string');
    const listed = [
      {
        correlationId: ID,
        amountCents: 1990,
        requestedAt: '2025-07-15T12:34:56.789Z',
        chargedAtMs,
      },
    ];
    assert.deepEqual(await levers.payments(), listed);
  });

  it('sleeps first, then looks at failure, then inserts (1)', async () => {
    await levers.setDelay(1_000);
    const charge = caller.charge(ID);
    await asleep(1);
    assert.deepEqual(await levers.payments(), [], 'nothing is stored before it wakes up');
    // What counts is whether it fails when the sleep is over, and how long the sleep was to be when
    // it began.
    await levers.setDelay(0);
    await levers.setFailing(true);
    clock.advance(999);
    assert.equal(clock.pending, 1, 'still asleep');
    clock.advance(1);
    assert.equal((await charge.reply).status, 500);
    assert.deepEqual(await levers.payments(), []);

    await levers.setDelay(1_000);
    const second = caller.charge(ID);
    await asleep(1);
    await levers.setFailing(false);
    clock.advance(1_000);
    assert.equal((await second.reply).status, 200, 'it failed only while it slept');
  });

  it('inserts although the client gave up (2)', async () => {
    await levers.setDelay(5_000);
    const charge = caller.charge(ID);
    await asleep(1);
    charge.request.destroy();
    await assert.rejects(charge.reply);
    assert.equal((await caller.lookUp(ID).reply).status, 404, 'not yet there');
    clock.advance(5_000);
    assert.equal((await caller.lookUp(ID).reply).status, 200);
    const { posts, busy } = await levers.attempts();
    assert.equal(posts.inserted, 1);
    assert.equal(busy.atOnce, 0, 'its place is free again');
  });

  it('takes an id once and keeps the first values, whatever the letters case (3)', async () => {
    const id = 'ABCDEF00-0000-4000-8000-000000000001';
    assert.equal((await caller.charge(id).reply).status, 200);
    const again = await caller.charge(id.toLowerCase(), '7', '2026-01-01T00:00:00.000Z').reply;
    assert.equal(again.status, 422);
    const { text } = await caller.lookUp(id).reply;
    assert.equal(
      text,
      `{"correlationId":"${id.toLowerCase()}","amount":19.90,"requestedAt":"2025-07-15T12:34:56.789Z"}`,
    );
    assert.equal((await levers.summary()).totalRequests, 1);
  });

  it('inserts one of many identical requests that sleep side by side (3)', async () => {
    await levers.setDelay(100);
    const calls = Array.from({ length: 20 }, () => caller.charge(ID));
    await asleep(20);
    clock.advance(100);
    const replies = await Promise.all(calls.map((call) => call.reply));
    const statuses = replies.map((reply) => reply.status);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 422).length, 19);
  });

  it('refuses what is not a payment', async () => {
    const bodies = [
      '',
      '{',
      '[]',
      'null',
      '{"correlationId":"x","amount":1,"requestedAt":"2025-07-15T12:34:56.789Z"}',
      `{"correlationId":"${ID}","amount":"1","requestedAt":"2025-07-15T12:34:56.789Z"}`,
      `{"correlationId":"${ID}","requestedAt":"2025-07-15T12:34:56.789Z","note":{"amount":1}}`,
      `{"correlationId":"${ID}","amount":1,"requestedAt":"yesterday"}`,
      `{"correlationId":"${ID}","amount":1}`,
      `{"correlationId":"${ID}","amount":1e99,"requestedAt":"2025-07-15T12:34:56.789Z"}`,
    ];
    const replies = await Promise.all(
      bodies.map((body) => caller.call('POST', '/payments', body).reply),
    );
    assert.deepEqual(
      replies.map((reply) => reply.status),
      bodies.map(() => 400),
    );
    assert.equal((await levers.attempts()).posts.malformed, bodies.length);
    assert.deepEqual(await levers.payments(), []);
  });
});

describe('GET /payments/{id}', () => {
  it('knows neither delay nor failure (4)', async () => {
    await caller.charge(ID).reply;
    await levers.setDelay(5_000);
    await levers.setFailing(true);
    assert.equal((await caller.lookUp(ID).reply).status, 200);
    assert.equal((await caller.lookUp(idOf(2)).reply).status, 404);
    assert.equal((await caller.lookUp('nobody').reply).status, 400);
    assert.equal(clock.pending, 0);
    const { lookups } = await levers.attempts();
    assert.deepEqual([lookups.found, lookups.absent, lookups.malformed], [1, 1, 1]);
  });
});

describe('the admin summary', () => {
  it('rounds amounts half to even, adds them exactly and takes the fee of the total (7)', async () => {
    for (const [index, amount] of ['0.125', '0.135', '1e2', '19.9', '0.1', '0.2'].entries()) {
      // oxlint-disable-next-line no-await-in-loop
      assert.equal((await caller.charge(idOf(index + 1), amount).reply).status, 200);
    }
    const { text } = await caller.call('GET', '/admin/payments-summary', '', {
      'X-Rinha-Token': '123',
    }).reply;
    assert.equal(
      text,
      '{"totalAmount":120.46,"totalRequests":6,"totalFee":6.023,"feePerTransaction":0.05}',
    );
  });

  it('counts both ends of the range, to the millisecond (7)', async () => {
    const times = ['11.999', '12.000', '12.500', '13.000', '13.001'];
    await Promise.all(
      times.map(
        (time, index) => caller.charge(idOf(index + 1), '1', `2025-07-15T12:00:${time}Z`).reply,
      ),
    );
    const range = { from: '2025-07-15T12:00:12.000Z', to: '2025-07-15T12:00:13.000Z' };
    assert.equal((await levers.summary(range)).totalRequests, 3);
    const offset = { from: '2025-07-15T14:00:12.000+02:00', to: '2025-07-15T12:00:12.000' };
    assert.equal((await levers.summary(offset)).totalRequests, 1);
    assert.equal((await levers.summary()).totalRequests, 5);
    const half = '/admin/payments-summary?from=2025-07-15T12:00:13.000Z';
    const { text } = await caller.call('GET', half, '', { 'X-Rinha-Token': '123' }).reply;
    assert.match(text, /"totalRequests":5/, 'one end alone bounds nothing');
    await assert.rejects(levers.summary({ from: 'noon', to: 'night' }), /400/);
  });
});

describe('the admin side', () => {
  it('wants the token, and a new one at once when it is changed', async () => {
    const routes = [
      ['GET', '/admin/payments-summary'],
      ['GET', '/admin/payments'],
      ['GET', '/admin/attempts'],
      ['GET', '/admin/configurations/fault'],
      ['PUT', '/admin/configurations/fault'],
      ['PUT', '/admin/configurations/token'],
      ['PUT', '/admin/configurations/delay'],
      ['PUT', '/admin/configurations/failure'],
      ['POST', '/admin/purge-payments'],
    ] as const;
    const withToken = async (headers: Record<string, string>): Promise<number[]> => {
      const calls = routes.map(([method, path]) => caller.call(method, path, '{}', headers).reply);
      return (await Promise.all(calls)).map((reply) => reply.status);
    };
    const refused = routes.map(() => 401);
    assert.deepEqual(await withToken({}), refused);
    assert.deepEqual(await withToken({ 'X-Rinha-Token': '1234' }), refused);

    const headers = { 'X-Rinha-Token': '123' };
    const path = '/admin/configurations/token';
    assert.equal((await caller.call('PUT', path, '{"token":"new"}', headers).reply).status, 204);
    assert.deepEqual(await withToken(headers), refused, 'the old one is no more');
    const renewed = new Levers(simulator.url, 'new');
    assert.equal((await renewed.summary()).totalRequests, 0);
    await renewed.setToken('123');
  });

  it('refuses values that are none and leaves everything as it was', async () => {
    const put = async (lever: string, body: string): Promise<number> => {
      const headers = { 'X-Rinha-Token': '123' };
      return (await caller.call('PUT', `/admin/configurations/${lever}`, body, headers).reply)
        .status;
    };
    assert.equal(await put('delay', '{"delay":-1}'), 400);
    assert.equal(await put('delay', '{"delay":"1"}'), 400);
    assert.equal(await put('failure', '{"failure":1}'), 400);
    assert.equal(await put('token', '{}'), 400);
    assert.equal(await put('fault', '{"kind":"earthquake"}'), 400);
    assert.equal(await put('fault', '{"kind":"hang","share":1.1}'), 400);
    assert.equal((await levers.fault()).kind, 'none');
    assert.equal((await caller.charge(ID).reply).status, 200);
  });

  it('purges payments and counts', async () => {
    await caller.charge(ID).reply;
    await levers.purge();
    assert.deepEqual(await levers.payments(), []);
    assert.equal((await levers.attempts()).posts.received, 0);
    assert.equal((await caller.charge(ID).reply).status, 200, 'the id is new again');
  });
});
