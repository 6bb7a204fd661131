// A backup of the database is restored: the journals in it are older than what was sent since. What
// they hold is asked about at both processors before it is sent to either.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { backUp } from './backup.ts';
import { openCluster } from './shards.ts';

const { world, book } = await openCluster(1, { front: false });
const owner = world.instance(0);
const settled = (): Promise<unknown> =>
  waitUntil('all is settled', async () => (await owner.status()).held === 0, { withinMs: 30_000 });

test('what was held in the backup and charged since is not charged at the other processor', async () => {
  await Promise.all(world.processors.map((processor) => processor.kill()));
  for (let n = 1; n <= 5; n++) {
    const id = `00000000-0000-4000-8000-00000000000${n}`;
    assert.equal((await owner.client.pay(id, '1.00')).status, 202);
    book.accepted.push({ id, cents: 100 });
  }
  const restore = await backUp(world.databaseUrl);
  await world.default.restart();
  await settled();
  await owner.kill();
  await world.default.kill();
  await world.fallback.restart();
  await restore();
  owner.start();
  await owner.waitReady();
  assert.equal((await owner.latest('the database is another one'))['doubted'], 5);
  await waitUntil('it is asked about', async () => (await owner.status()).doubtful === 5);
  await world.default.restart();
  await settled();
  await audit(world, book.accepted);
  assert.deepEqual(await world.fallback.levers.payments(), []);
});
