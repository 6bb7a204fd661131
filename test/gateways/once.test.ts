// One charge() sends at most one POST, and "declined" means that the POST never left or was
// refused: over connections that close at the worst moment, deadlines in the queue, and all of it
// at once.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpCall } from '../../src/gateways/http-call.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS, type RudeWorld } from './rude-fixture.ts';
import { answering, endingWith, resetting, type Seen } from './rude-server.ts';

const NOTHING: Seen = { method: '', path: '', headers: {}, body: '', id: '' };

/** The statuses that the server sent, by id. */
type Said = Map<string, number>;

function check({ server }: RudeWorld, outcomes: ReadonlyMap<number, Outcome>, said: Said): void {
  for (const [n, outcome] of outcomes) {
    const id = chargeNumber(n).correlationId;
    const posts = server.postsOf(id);
    assert.ok(posts <= 1, `payment ${n} was sent ${posts} times ${AGAIN}`);
    if (outcome === 'charged') assert.equal(said.get(id), 200, `payment ${n} ${AGAIN}`);
    if (outcome === 'declined' && posts === 1) {
      assert.equal(said.get(id), 500, `payment ${n} was read and is called declined ${AGAIN}`);
    }
  }
}

/** Ends a connection with FIN or RST at a moment from at once to a millisecond later. */
function endSoon(socket: Socket, seen: Seen, random: Random): void {
  const behaviour = random.chance(0.5) ? endingWith('') : resetting;
  const end = (): void => behaviour(socket, seen);
  const moment = random.below(4);
  if (moment === 0) end();
  else if (moment === 1) setImmediate(end);
  else if (moment === 2) setImmediate(() => setImmediate(end));
  else setTimeout(end, random.below(2));
}

async function reuse(context: TestContext, breakers: number, rounds: number): Promise<Outcome[]> {
  const world = await meetRudeServer(context, { connections: breakers });
  const random = new Random(SEED + breakers);
  const said: Said = new Map();
  world.server.behave = (socket, seen) => {
    said.set(seen.id, 200);
    answering(200)(socket, seen);
    if (random.chance(0.5)) endSoon(socket, seen, random);
  };
  const outcomes = new Map<number, Outcome>();
  const run = async (breaker: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const n = round * breakers + breaker;
      const { outcome } = await world.processor.charge(chargeNumber(n), PATIENCE_MS);
      outcomes.set(n, outcome);
      const pause = random.below(4);
      if (pause === 1) await sleep(0);
      if (pause === 2) await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: breakers }, (_, breaker) => run(breaker)));
  check(world, outcomes, said);
  return [...outcomes.values()];
}

test('a call that the pool begins a second time is refused before a byte leaves', () => {
  const call = new HttpCall(new VirtualClock(), 1_000);
  call.onConnect(() => {});
  assert.throws(() => call.onConnect(() => {}), /not to be sent/);
});

test('a kept connection that closes just when it is used again: never sent twice', async (context) => {
  const outcomes = [...(await reuse(context, 1, 500)), ...(await reuse(context, 8, 100))];
  assert.equal(outcomes.length, 500 + 8 * 100);
  // Most find a good connection, or the test would prove nothing.
  const charged = outcomes.filter((outcome) => outcome === 'charged').length;
  assert.ok(charged > outcomes.length / 2, `${charged} charged`);
});

test('a server that takes the request and breaks the kept connection: unknown, and sent once', async (context) => {
  const world = await meetRudeServer(context, { connections: 2 });
  const outcomes = new Map<number, Outcome>();
  const said: Said = new Map();
  for (let n = 0; n < 200; n++) {
    const isBroken = n % 2 === 1;
    world.server.behave = (socket, seen) => {
      if (!isBroken) said.set(seen.id, 200);
      const behaviour = isBroken ? (n % 4 === 1 ? resetting : endingWith('')) : answering(200);
      behaviour(socket, seen);
    };
    const { outcome } = await world.processor.charge(chargeNumber(n), PATIENCE_MS);
    assert.equal(outcome, isBroken ? 'unknown' : 'charged');
    outcomes.set(n, outcome);
  }
  check(world, outcomes, said);
  assert.equal(world.server.seen.length, 200);
});

test('all at once: random deadlines, faults, and a pool that is too small', async (context) => {
  const world = await meetRudeServer(context, { connections: 3 });
  const { server, processor } = world;
  const random = new Random();
  const said: Said = new Map();
  server.welcome = (socket) => {
    if (random.chance(0.1)) endSoon(socket, NOTHING, random);
  };
  server.behave = (socket, seen) => {
    const chance = random.below(10);
    if (chance === 0) return;
    if (chance === 1) return endSoon(socket, seen, random);
    const status = chance < 4 ? 500 : 200;
    const answer = (): void => {
      said.set(seen.id, status);
      answering(status)(socket, seen);
      if (random.chance(0.2)) endSoon(socket, seen, random);
    };
    if (random.chance(0.5)) answer();
    else setTimeout(answer, random.below(10));
  };
  const outcomes = new Map<number, Outcome>();
  let next = 0;
  const run = async (): Promise<void> => {
    for (let n = next++; n < 1_500; n = next++) {
      const { outcome } = await processor.charge(chargeNumber(n), 1 + random.below(30));
      outcomes.set(n, outcome);
    }
  };
  await Promise.all(Array.from({ length: 12 }, run));
  check(world, outcomes, said);
  const counts = new Set(outcomes.values());
  for (const outcome of ['charged', 'declined', 'unknown'] as const) {
    assert.ok(counts.has(outcome), `no ${outcome} among them ${AGAIN}`);
  }
});
