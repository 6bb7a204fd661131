// A processor's limits: 800 calls at once and 500 waiting; one health call per window and two
// waiting.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Levers } from '../../tools/simulator/levers.ts';
import { startSimulator } from '../../tools/simulator/processor-simulator.ts';
import { Caller, idOf, type Call } from './caller.ts';
import { waitUntil } from '../world/wait-until.ts';
import { ManualClock } from './manual-clock.ts';

async function setUp(
  t: TestContext,
): Promise<{ clock: ManualClock; caller: Caller; levers: Levers }> {
  const clock = new ManualClock();
  const simulator = await startSimulator({ name: 'default', port: 0, feePercent: 5, clock });
  const caller = new Caller(simulator.url);
  t.after(async () => {
    caller.close();
    await simulator.close();
  });
  return { clock, caller, levers: new Levers(simulator.url) };
}

const charges = (caller: Caller, from: number, count: number): Call[] =>
  Array.from({ length: count }, (_, index) => caller.charge(idOf(from + index)));

describe('POST /payments and GET /payments/{id} together', () => {
  it('are 800 at once, then 500 wait, and the next gets 429 (5)', async (t) => {
    const { clock, caller, levers } = await setUp(t);
    await levers.setDelay(1_000);
    const first = charges(caller, 1, 800);
    await waitUntil('800 at work', async () => (await levers.attempts()).busy.atOnce === 800);
    const waiting = charges(caller, 801, 499);
    const lookup = caller.lookUp(idOf(1));
    await waitUntil('500 wait', async () => (await levers.attempts()).busy.queued === 500);

    const refused = await Promise.all([
      caller.charge(idOf(1_300)).reply,
      caller.lookUp(idOf(1)).reply,
    ]);
    assert.deepEqual(
      refused.map((reply) => reply.status),
      [429, 429],
    );
    assert.equal(refused[0].headers['retry-after'], '5');

    clock.advance(1_000);
    for (const reply of await Promise.all(first.map((call) => call.reply))) {
      assert.equal(reply.status, 200);
    }
    assert.equal((await lookup.reply).status, 200);
    assert.equal(clock.pending, 499, 'those who waited sleep only now');
    clock.advance(1_000);
    for (const reply of await Promise.all(waiting.map((call) => call.reply))) {
      assert.equal(reply.status, 200);
    }
    const { posts, lookups, busy } = await levers.attempts();
    assert.deepEqual([posts.received, posts.inserted, posts.limited], [1_300, 1_299, 1]);
    assert.deepEqual([lookups.found, lookups.limited], [1, 1]);
    assert.deepEqual([busy.atOnce, busy.queued], [0, 0]);
    assert.equal((await levers.payments()).length, 1_299, 'a refused one is not stored');
  });

  it('lets a hanging call keep its place until its client leaves', async (t) => {
    const { caller, levers } = await setUp(t);
    await levers.setFault({ kind: 'hang' });
    const hanging = charges(caller, 1, 800);
    await waitUntil('800 hang', async () => (await levers.attempts()).busy.atOnce === 800);
    await levers.setFault({ kind: 'none' });
    const patient = caller.charge(idOf(801));
    await waitUntil('one waits', async () => (await levers.attempts()).busy.queued === 1);
    for (const call of hanging) call.request.destroy();
    assert.equal((await patient.reply).status, 200);
    await waitUntil('all places are free', async () => (await levers.attempts()).busy.atOnce === 0);
    assert.equal((await levers.payments()).length, 1);
  });
});

describe('GET /payments/service-health', () => {
  const PATH = '/payments/service-health';

  it('says what the levers say', async (t) => {
    const { clock, caller, levers } = await setUp(t);
    assert.equal(
      (await caller.call('GET', PATH).reply).text,
      '{"failing":false,"minResponseTime":0}',
    );
    await levers.setDelay(100);
    await levers.setFailing(true);
    clock.advance(5_000);
    const reply = await caller.call('GET', PATH).reply;
    assert.deepEqual([reply.status, reply.text], [200, '{"failing":true,"minResponseTime":100}']);
  });

  it('answers one call per 5 s over all callers, holds two, refuses a fourth (6)', async (t) => {
    const { clock, caller, levers } = await setUp(t);
    const waits = (count: number): Promise<boolean> =>
      waitUntil(`${count} wait`, async () => (await levers.attempts()).busy.healthQueued === count);
    assert.equal((await caller.call('GET', PATH).reply).status, 200);
    const second = caller.call('GET', PATH);
    await waits(1);
    const third = caller.call('GET', PATH);
    await waits(2);
    assert.equal((await caller.call('GET', PATH).reply).status, 429);

    clock.advance(4_999);
    assert.equal((await levers.attempts()).health.answered, 1);
    clock.advance(1);
    assert.equal((await second.reply).status, 200, 'the oldest first');
    assert.equal((await levers.attempts()).busy.healthQueued, 1);
    clock.advance(5_000);
    assert.equal((await third.reply).status, 200);
    assert.deepEqual((await levers.attempts()).health, { received: 4, answered: 3, limited: 1 });
  });

  it('has windows on a fixed grid: two calls are close when one ends between them (6)', async (t) => {
    const { clock, caller } = await setUp(t);
    assert.equal((await caller.call('GET', PATH).reply).status, 200);
    clock.advance(9_999);
    assert.equal((await caller.call('GET', PATH).reply).status, 200);
    clock.advance(1);
    assert.equal((await caller.call('GET', PATH).reply).status, 200);
  });

  it('forgets a waiting caller that left', async (t) => {
    const { clock, caller, levers } = await setUp(t);
    assert.equal((await caller.call('GET', PATH).reply).status, 200);
    const impatient = caller.call('GET', PATH);
    await waitUntil('it waits', async () => (await levers.attempts()).busy.healthQueued === 1);
    impatient.request.destroy();
    await waitUntil('it is gone', async () => (await levers.attempts()).busy.healthQueued === 0);
    clock.advance(5_000);
    assert.equal((await levers.attempts()).health.answered, 1);
    assert.equal((await caller.call('GET', PATH).reply).status, 200, 'the window is unused');
  });
});
