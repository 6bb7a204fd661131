// The snapshot of the whole system, and the stream of snapshots.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { SystemFigures } from '../../src/snapshot/system-snapshot.ts';
import { Client } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

let world: World;
let admin: Client;
const sockets: Socket[] = [];

const adminPath = (): string => `${world.instance(0).socketPath}.admin`;

before(async () => {
  world = await openWorld({ gaps: true });
  // Only one of the two has an admin server.
  await world.instance(0).kill('SIGTERM');
  await world.instance(0).restart({ ADMIN_LISTEN: adminPath() });
  await world.instance(0).becomes('agreed');
  admin = new Client(adminPath());
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  admin.close();
  await world.close();
});

async function snapshot(): Promise<SystemFigures> {
  const { status, body } = await admin.send('GET', '/snapshot');
  assert.equal(status, 200, body);
  return JSON.parse(body) as SystemFigures;
}

/** A connection that asks for the stream, and what came on it. */
function openStream(): { readonly socket: Socket; text: string; isClosed: boolean } {
  const stream = { socket: connect(adminPath()), text: '', isClosed: false };
  sockets.push(stream.socket);
  stream.socket.on('data', (chunk: Buffer) => {
    stream.text += chunk.toString();
  });
  stream.socket.on('error', () => {});
  stream.socket.on('close', () => {
    stream.isClosed = true;
  });
  stream.socket.write('GET /events HTTP/1.1\r\nHost: admin\r\n\r\n');
  return stream;
}

test('it has the figures of all instances, the books, and what happened in each second', async () => {
  const payments = Array.from({ length: 20 }, () => randomUUID());
  for (const id of payments) assert.equal((await world.client.pay(id, '19.90')).status, 202);
  const figures = await waitUntil('the books have all', async () => {
    const found = await snapshot();
    const settled = found.history.columns['settled default'] ?? [];
    const isShown = settled.some((count) => (count ?? 0) > 0);
    return isShown && found.books?.default.payments === '20' ? found : undefined;
  });
  assert.deepEqual(figures?.books, {
    default: { payments: '20', amountCents: '39800', feeCents: '1990' },
    fallback: { payments: '0', amountCents: '0', feeCents: '0' },
  });
  assert.deepEqual(
    figures?.instances.map(({ instance, ready, membership }) => [instance, ready, membership]),
    [
      [0, true, 'agreed'],
      [1, true, 'agreed'],
    ],
  );
  const attempts = figures?.instances.map(({ processors }) => processors['default']?.attempts);
  assert.equal(
    attempts?.reduce((sum, ended) => sum + (ended?.['charged'] ?? 0), 0),
    20,
  );
  const own = figures?.instances[0];
  assert.ok(own?.settleMs && own.settleMs.p50 <= own.settleMs.p99);
  // Without an admin server nothing is sampled.
  assert.equal(figures?.instances[1]?.settleMs, null);
  const seconds = figures?.history.seconds ?? [];
  assert.deepEqual(
    seconds,
    seconds.toSorted((one, other) => one - other),
  );
});

test('without the ledger there are no books, and no wait', async () => {
  await world.gaps.database.refuse();
  world.gaps.database.reset();
  await waitUntil('the books are gone', async () => (await snapshot()).books === null);
  await waitUntil('it is told', async () => {
    const { instances } = await snapshot();
    return instances.every(({ ledgerUp }) => !ledgerUp);
  });
  await world.gaps.database.accept();
  await waitUntil('they are back', async () => (await snapshot()).books !== null, {
    withinMs: 20_000,
  });
});

test('an instance that hangs is listed as such, and the others are shown', async () => {
  world.instance(1).program.signal('SIGSTOP');
  try {
    const { instances, unreachable } = await snapshot();
    assert.deepEqual(unreachable, [{ instance: 1, reason: 'does not answer' }]);
    assert.deepEqual(
      instances.map(({ instance }) => instance),
      [0],
    );
  } finally {
    world.instance(1).program.signal('SIGCONT');
  }
  await waitUntil('it is back', async () => (await snapshot()).unreachable.length === 0);
});

test('the stream has a snapshot a second, so many viewers and no more', async () => {
  const streams = Array.from({ length: 20 }, openStream);
  await waitUntil('each has three', () =>
    streams.every(({ text }) => text.split('\ndata: {').length > 3),
  );
  const { status, body } = await admin.send('GET', '/events');
  assert.equal(status, 503);
  assert.match(body, /20 viewers/);
  const [, event = ''] = /\ndata: (\{.*\})\n\n/.exec(streams[0]?.text ?? '') ?? [];
  assert.equal((JSON.parse(event) as SystemFigures).answeredBy, 0);
  streams[0]?.socket.destroy();
  const next = await waitUntil('there is room again', async () => {
    const stream = openStream();
    await waitUntil('an answer', () => stream.text !== '');
    return stream.text.startsWith('HTTP/1.1 200 ') ? stream : undefined;
  });
  for (const { socket } of [...streams, next]) socket.destroy();
});

test('open streams do not hold up the end of an instance', async () => {
  const stream = openStream();
  await waitUntil('it has begun', () => stream.text.includes('data: {'));
  assert.equal(await world.instance(0).kill('SIGTERM'), 0);
  await waitUntil('it has ended', () => stream.isClosed);
});
