// A process whose settings don't fit takes no shard: one that others could run stays free for them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import pg from 'pg';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, shardsOf } from './shards.ts';

const { world, spare } = await openCluster(1, { front: false });
const owner = world.instance(0);
const { databaseUrl } = world;
const epochOf = async (): Promise<number | undefined> => (await shardsOf(world))[0]?.epoch;

test('an owner whose heartbeat fails says so, and goes on when it works again', async () => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM shards FOR UPDATE');
  await waitUntil('it says so', () => owner.said('heartbeat fails') > 0);
  assert.equal(
    (await owner.client.pay('00000000-0000-4000-8000-000000000001', '1.00')).status,
    202,
  );
  await client.query('ROLLBACK');
  await client.end();
  await waitUntil('it works again', () => owner.said('heartbeat works again') > 0);
  assert.equal(await epochOf(), 1);
});

test('PEER_LISTEN in use, another RING_SLOTS, another SHARDS: the shard stays free', async (context) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  context.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await owner.kill('SIGTERM');
  spare.start({ PEER_LISTEN: `127.0.0.1:${port}` });
  assert.equal(await spare.program.ended(), 1);
  const { message } = await spare.latest('fatal');
  assert.match(String(message), /PEER_LISTEN: .*EADDRINUSE/);
  spare.start({ RING_SLOTS: '4999' });
  assert.equal(await spare.program.ended(), 2);
  assert.match(spare.program.lastWords(), /RING_SLOTS=5000, RING_SLOTS is 4999/);
  spare.start({ SHARDS: '2' });
  const event = 'database unavailable for the shards';
  assert.match(JSON.stringify(await spare.latest(event)), /SHARDS is 2, the ledger is for 1/);
  assert.equal(await spare.kill('SIGTERM'), 0);
  assert.equal(await epochOf(), 1);
});

test('a lock that can not be had is in the log', async () => {
  // A session of another user is not ended: as if it had just begun, again and again.
  const client = new pg.Client({ connectionString: databaseUrl });
  await query(databaseUrl, 'CREATE ROLE plain LOGIN');
  await query(databaseUrl, 'GRANT ALL ON SCHEMA public TO plain');
  await query(databaseUrl, 'GRANT ALL ON ALL TABLES IN SCHEMA public TO plain');
  await client.connect();
  await client.query('SELECT pg_advisory_lock(7200329, 0)');
  const url = new URL(databaseUrl);
  url.username = 'plain';
  spare.start({ DATABASE_URL: url.href });
  await waitUntil('it says so', () => spare.said('shard locked') > 0);
  await client.end();
  await spare.waitReady();
  assert.equal(await epochOf(), 2);
});
