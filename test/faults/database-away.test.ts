// PostgreSQL is away for long: payments are accepted and charged until the ring is full, then the
// answer is 503. When PostgreSQL is back, everything is recorded and the ring has room again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN, Random } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { openWorld } from '../world/world.ts';
import { emptyBook, Load } from './load.ts';

const SLOTS = 300;

test(`without PostgreSQL the ring fills up, then 503 with Retry-After, and nothing is lost ${AGAIN}`, async () => {
  const random = new Random();
  const book = emptyBook();
  await using world = await openWorld({
    instances: 1,
    front: false,
    environment: { RING_SLOTS: String(SLOTS), CONSUMERS: '50' },
  });
  const instance = world.instance(0);
  await using load = new Load({ clients: [world.client], random, book, ratePerS: 300 });
  await load.more(50);
  await world.database.kill();
  await load.answered(503, 20);
  assert.equal((await instance.status()).held, SLOTS, 'every slot is taken');
  const refused = await world.client.pay('00000000-0000-4000-8000-000000000000', '1.00');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '1');
  await world.database.restart();
  await load.more(SLOTS);
  await load.stop();
  // One instance and no nginx: what was told 503 was not taken, so it must be nowhere.
  await audit(world, book.accepted);
  assert.equal((await instance.status()).free, SLOTS);
});
