// LEDGER_DURABILITY=require while the cluster runs: as soon as commits wait for no standby, nothing
// is taken.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { audit } from '../world/audit.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { Standby } from '../world/standby.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster } from './shards.ts';

const server = await DatabaseServer.start({ durable: true });
const standby = await Standby.of(server);
const { world, book } = await openCluster(1, {
  front: false,
  database: server,
  environment: { LEDGER_DURABILITY: 'require' },
});
// After the world, which the cluster closes.
after(async () => {
  await standby.close();
  await server.close();
});
const { databaseUrl } = world;
const owner = world.instance(0);
let paid = 0;

async function pay(): Promise<number> {
  const id = `00000000-0000-4000-8000-${String(++paid).padStart(12, '0')}`;
  const { status } = await owner.client.pay(id, '1.00');
  if (status === 202) book.accepted.push({ id, cents: 100 });
  else book.maybe.push({ id, cents: 100 });
  return status;
}

async function setStandby(names: string): Promise<void> {
  await query(databaseUrl, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await query(databaseUrl, 'SELECT pg_reload_conf()');
}

async function ask(path: string): Promise<{ readonly status: number; readonly body: string }> {
  const { status, body } = await owner.client.send('GET', path);
  return { status, body };
}

test('without a standby payments get 503, and it is not ready, until there is one', async () => {
  assert.equal(await pay(), 202);
  await setStandby('');
  await waitUntil('it says so', () => owner.said('commits are on one disk') === 1);
  assert.equal(await pay(), 503);
  const ready = await ask('/internal/ready');
  assert.equal(ready.status, 503);
  assert.match(ready.body, /commits are on one disk/);
  await setStandby('standby');
  await waitUntil('it is over', () => owner.said('commits wait for a standby again') === 1);
  assert.equal(await pay(), 202);
  assert.equal((await ask('/internal/ready')).status, 200);
  await audit(world, book.accepted, { maybe: book.maybe });
});
