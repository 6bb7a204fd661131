// A backup of the database is restored: a shard holds a payment for another shard, to which it was
// handed over since, and which charged it. No journal and no row tells. The owner asks both
// processors before it sends it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { backUp } from './backup.ts';
import { openCluster, ownerOf } from './shards.ts';

const { world, book } = await openCluster(2, { front: false });
const { databaseUrl } = world;
/** Shard 1 owns it: its last digit is odd. */
const ID = '00000000-0000-4000-8000-000000000001';

test('a payment that was handed over after the backup is not charged at the other processor', async () => {
  await world.fallback.kill();
  let holder = await ownerOf(world, 0);
  let owner = await ownerOf(world, 1);
  await owner.kill();
  assert.equal((await holder.client.pay(ID, '1.00')).status, 202);
  book.accepted.push({ id: ID, cents: 100 });
  const restore = await backUp(databaseUrl);
  owner.start();
  await owner.waitReady();
  await waitUntil(
    'it is settled',
    async () => (await world.default.levers.payments()).length === 1,
  );
  await waitUntil('it is handed over', async () => (await holder.status()).held === 0);
  await waitUntil('it is recorded', async () => (await owner.status()).held === 0);
  await Promise.all([holder.kill(), owner.kill()]);
  await world.default.kill();
  await world.fallback.restart();
  await restore();
  for (const instance of [holder, owner]) instance.start();
  for (const instance of [holder, owner]) await instance.waitReady();
  // Either may have taken either shard.
  holder = await waitUntil('one has shard 0', () => ownerOf(world, 0));
  owner = await waitUntil('one has shard 1', () => ownerOf(world, 1));
  await waitUntil('its owner asks', async () => (await owner.status()).doubtful === 1);
  await waitUntil('it is handed over', async () => (await holder.status()).held === 0);
  // The payment may have been in earlier summaries.
  assert.equal((await holder.client.send('GET', '/payments-summary')).status, 503);
  await world.default.restart();
  await waitUntil('it is recorded', async () => (await owner.status()).held === 0);
  await audit(world, book.accepted);
  await world.default.kill();
  assert.equal((await owner.client.pay(ID, '1.00')).status, 202);
  assert.equal((await owner.status()).held, 0);
  await world.default.restart();
  await audit(world, book.accepted);
  assert.deepEqual(await world.fallback.levers.payments(), []);
});
