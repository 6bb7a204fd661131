// Clients that connect to the admin server and keep their connections: whatever they do, and
// however many they are, the server answers the next one.

import assert from 'node:assert/strict';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { SpareAdmin } from '../../src/cluster/spare-admin.ts';
import { readConfig } from '../../src/config/config.ts';
import { REQUIRED_SETTINGS } from '../buffer/lone-engine.ts';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { exchange } from '../world/raw.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

const TOKEN = '0123456789abcdef-secret';
/** More than the server keeps. */
const CROWD = 1_200;
const ID = '4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3';
const PAGE = 'GET /page/main.js HTTP/1.1\r\nHost: localhost\r\n\r\n';

const KINDS: Readonly<Record<string, string>> = {
  'say nothing': '',
  'send half a head': `GET /live HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(8_000)}`,
  'send half a body':
    `POST /payments/${ID}/retry HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n` +
    'Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n{',
  'keep their connection after the answer': 'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'do not read what they asked for': PAGE.repeat(10),
};

let world: World;
let places: Readonly<Record<string, NetConnectOpts>>;

before(async () => {
  world = await openWorld({ front: false, instances: 1 });
  const instance = world.instance(0);
  const [path, port] = [`${instance.socketPath}.admin`, await freePort()];
  places = { 'a port': { host: '127.0.0.1', port }, 'a socket': { path } };
  await instance.kill('SIGTERM');
  await instance.restart({ ADMIN_LISTEN: `${path},127.0.0.1:${port}`, ADMIN_TOKEN: TOKEN });
});
after(() => world.close());

/** Opens CROWD connections, each with these bytes. */
async function crowd(where: NetConnectOpts, bytes: string): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  for (let n = 0; n < CROWD; n++) {
    const socket = await waitUntil('it is connected', () => connected(where));
    sockets.push(socket);
    if (bytes === KINDS['do not read what they asked for']) socket.pause();
    if (bytes !== '') socket.write(bytes);
  }
  return sockets;
}

/** Rejects while the kernel has no room for one more: on a socket it doesn't wait. */
function connected(where: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(where, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Rejects if the connection ends without an answer. */
async function answerTo(where: NetConnectOpts, path: string): Promise<number | undefined> {
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;
  const [answer] = await exchange(where, `${head}Connection: close\r\n\r\n`);
  return answer?.status;
}

for (const place of ['a port', 'a socket']) {
  for (const [kind, bytes] of Object.entries(KINDS)) {
    test(`on ${place} ${CROWD} clients that ${kind} keep nobody from an answer`, async () => {
      const where = places[place] as NetConnectOpts;
      const sockets = await crowd(where, bytes);
      for (const path of ['/live', '/ready', '/metrics']) {
        // Silent connections are ended after 10 s: nobody waits for that.
        const status = await waitUntil(path, () => answerTo(where, path), { withinMs: 3_000 });
        assert.equal(status, 200, path);
      }
      for (const socket of sockets) socket.destroy();
    });
  }
}

test('a spare answers whoever comes next, too', async () => {
  const where = { host: '127.0.0.1', port: await freePort() };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const ADMIN_LISTEN = `${where.host}:${where.port}`;
  const config = readConfig({ ...REQUIRED_SETTINGS, ADMIN_LISTEN });
  const spare = new SpareAdmin({ config, clock: systemClock, log });
  await spare.listen();
  try {
    const sockets = await crowd(where, '');
    await waitUntil('an answer', () => answerTo(where, '/live'), { withinMs: 3_000 });
    for (const socket of sockets) socket.destroy();
  } finally {
    await spare.close();
  }
});

test('the log says that connections are ended, and when there is room again', async () => {
  const instance = world.instance(0);
  assert.ok(instance.said('admin connections are full') >= 1);
  await waitUntil(
    'there is room again',
    () => instance.said('admin connections have room again') >= 2,
  );
});

test('a client that sends many requests at once without waiting for the answers is cut off', async () => {
  const where = places['a port'] as NetConnectOpts;
  const one = 'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const last = 'GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const few = await exchange(where, one.repeat(9) + last);
  assert.deepEqual(
    few.map(({ status }) => status),
    Array.from({ length: 10 }, () => 200),
  );
  const many = await exchange(where, one.repeat(999) + last).catch(() => []);
  assert.ok(many.length < 100, `${many.length} answers`);
  const client = new Client(`http://127.0.0.1:${'port' in where ? where.port : 0}`);
  assert.equal((await client.send('GET', '/live')).status, 200);
  client.close();
});
