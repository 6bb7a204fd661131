// PEER_LISTEN is for the processes of the cluster alone.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Client } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, ownerOf, SECRET, shardsOf } from './shards.ts';

/** More connections than a process keeps. */
const CROWD = 1_100;

const { world } = await openCluster(2, { front: false });

test('it answers the internal routes, with the secret only', async () => {
  const [row] = await shardsOf(world);
  const client = new Client(`http://${row?.address}`);
  const ask = async (path: string, authorization?: string): Promise<number> => {
    const headers = authorization === undefined ? {} : { authorization };
    return (await client.send('GET', path, { headers })).status;
  };
  assert.equal(await ask('/internal/identity'), 401);
  assert.equal(await ask('/internal/identity', 'Bearer another-secret-of-it'), 401);
  assert.equal(await ask('/internal/identity', `bearer${SECRET}`), 401);
  assert.equal(await ask('/internal/identity', `Bearer ${SECRET}`), 200);
  assert.equal(await ask('/payments-summary', `Bearer ${SECRET}`), 404);
  assert.equal(await ask('/payments-summary'), 401);
  client.close();
});

test('a payment of the other shard is passed on to it at once', async () => {
  const ids = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
  for (const id of [...ids, ...ids.map((one) => one.replace('8000', '9000'))]) {
    for (const { client } of world.instances) {
      assert.equal((await client.pay(id, '10.00')).status, 202);
    }
  }
  const held = await Promise.all(world.instances.map((instance) => instance.status()));
  assert.equal(
    held.reduce((sum, { accepted }) => sum + accepted, 0),
    4,
  );
});

test('whoever opens connections and says nothing keeps no peer from an answer', async () => {
  const [row] = await shardsOf(world);
  const owner = await ownerOf(world, 0);
  const [host, port] = (row?.address ?? '').split(':') as [string, string];
  const crowd: Socket[] = [];
  for (let n = 0; n < CROWD; n++) {
    const socket = connect({ host, port: Number(port) });
    socket.on('error', () => {});
    crowd.push(socket);
    if (n % 100 === 0) await waitUntil('they are connected', () => !socket.connecting);
  }
  await waitUntil('it is full', () => owner.said('peer connections are full') > 0);
  const client = new Client(`http://${row?.address}`);
  const headers = { authorization: `Bearer ${SECRET}` };
  assert.equal((await client.send('GET', '/internal/identity', { headers })).status, 200);
  for (const socket of crowd) socket.destroy();
  await waitUntil('it has room', () => owner.said('peer connections have room again') > 0);
  client.close();
});

test('a peer with another PEER_SECRET is logged as that', async () => {
  const [other, owner] = [await ownerOf(world, 1), await ownerOf(world, 0)];
  await other.kill('SIGTERM');
  await other.restart({ PEER_SECRET: 'another-secret-of-the-cluster' });
  for (const one of [owner, other]) {
    await waitUntil('it says so', () => one.said('instance refuses PEER_SECRET') > 0);
  }
  await other.kill('SIGTERM');
  await other.restart();
  await waitUntil('it is over', () => owner.said('instance answers again') > 0);
});
