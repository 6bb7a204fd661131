// The journal of a version, or in a backup, from before the row of a shard named a database: nobody
// knows where its cells were written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster } from './shards.ts';

const { world, book } = await openCluster(1, { front: false });
const owner = world.instance(0);
const ANOTHER = 'the database is another one';
const homeOf = async (): Promise<unknown> =>
  (await query(world.databaseUrl, 'SELECT home FROM shards'))[0]?.['home'];

test('a payment in a cell without a home is in doubt, once', async () => {
  // A new shard has no cells.
  assert.equal(owner.said(ANOTHER), 0);
  const home = await homeOf();
  assert.notEqual(home, '');
  await Promise.all(world.processors.map((processor) => processor.kill()));
  const id = '00000000-0000-4000-8000-000000000001';
  assert.equal((await owner.client.pay(id, '1.00')).status, 202);
  book.accepted.push({ id, cents: 100 });
  // It has no pin then.
  await waitUntil('it is set aside', async () => (await owner.status()).aside === 1);
  await owner.kill();
  await query(world.databaseUrl, `UPDATE shards SET home = ''`);
  owner.start();
  await owner.waitReady();
  assert.equal((await owner.latest(ANOTHER))['doubted'], 1);
  assert.equal(await homeOf(), home);
  await waitUntil('it is asked about', async () => (await owner.status()).doubtful === 1);
  for (const processor of world.processors) await processor.restart();
  await audit(world, book.accepted);
  await owner.kill();
  owner.start();
  await owner.waitReady();
  assert.equal(owner.said(ANOTHER), 1);
});
