// Payments of other instances: how many are offered at once, and what an owner that is away costs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandOvers } from '../../src/intake/hand-over.ts';
import type { Offered } from '../../src/ports.ts';
import type { Contradictions } from '../../src/settlement/contradictions.ts';
import { makeHeld } from '../buffer/held-fixture.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const AT_ONCE = 8;
/** Its owner, of two: the last digit. */
const OWNER = 1;
const log = { info: () => {}, warn: () => {}, error: () => {} };

interface Offer {
  readonly id: string;
  readonly answer: (offered: Offered) => void;
}

/** After it all promises that are settled have been heard. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const clock = new VirtualClock();
  const world = makeHeld({ clock, log, slots: 64 });
  /** Without an answer yet, oldest first. */
  const offers: Offer[] = [];
  const handOvers = new HandOvers({
    ...world,
    instances: 2,
    offer: (_, id) => new Promise((answer) => offers.push({ id, answer })),
    contradictions: {} as Contradictions,
  });
  let ids = 0;
  const hold = (): void => {
    handOvers.add(world.held.hold(Uint32Array.of(7, 7, 7, 2 * ids++ + OWNER), 1990) as number);
  };
  const answer = async (count: number, offered: Offered): Promise<void> => {
    for (const offer of offers.splice(0, count)) offer.answer(offered);
    await turn();
  };
  return { ...world, clock, offers, handOvers, hold, answer };
}

test('held payments are handed over some at once, and each is released with its answer', async () => {
  const { ring, offers, handOvers, hold, answer } = setUp();
  for (let n = 0; n < 3 * AT_ONCE; n++) hold();
  assert.equal(offers.length, AT_ONCE);
  await answer(3, 'accepted');
  assert.equal(offers.length, AT_ONCE);
  assert.equal(ring.used, 3 * AT_ONCE - 3);
  while (offers.length > 0) await answer(AT_ONCE, 'accepted');
  assert.equal(ring.used, 0);
  assert.equal(handOvers.pending, 0);
});

test('an owner that is away is offered no further payment, and gets all when it answers', async () => {
  const { clock, ring, offers, hold, answer } = setUp();
  hold();
  const first = offers[0]?.id;
  await answer(1, 'away');
  for (let n = 0; n < 2 * AT_ONCE; n++) hold();
  assert.equal(offers.length, 0);
  for (let tries = 0; tries < 5; tries++) {
    await clock.advance(500);
    assert.deepEqual(
      offers.map(({ id }) => id),
      [first],
    );
    await answer(1, tries < 4 ? 'away' : 'accepted');
  }
  assert.equal(offers.length, AT_ONCE);
  while (offers.length > 0) await answer(AT_ONCE, 'accepted');
  assert.equal(ring.used, 0);
});

test("a client's payment is offered to its owner unless others wait for that already", async () => {
  const { clock, offers, handOvers, hold, answer } = setUp();
  const bring = (): Promise<Offered> => handOvers.offer(OWNER, 'id', 1990);
  const brought = Array.from({ length: AT_ONCE }, bring);
  assert.equal(await bring(), 'away');
  await answer(AT_ONCE, 'conflict');
  assert.deepEqual(await Promise.all(brought), Array(AT_ONCE).fill('conflict'));
  // Nothing is held for an owner that was away: so its next payment finds out.
  const lost = bring();
  await answer(1, 'away');
  assert.equal(await lost, 'away');
  const next = bring();
  await answer(1, 'away');
  assert.equal(await next, 'away');
  hold();
  assert.equal(offers.length, 1);
  assert.equal(await bring(), 'away');
  await answer(1, 'away');
  assert.equal(await bring(), 'away');
  await clock.advance(500);
  await answer(1, 'accepted');
  const last = bring();
  await answer(1, 'accepted');
  assert.equal(await last, 'accepted');
});
