// Who may ask the admin server: a token on ports, the socket's mode on sockets, and never another
// site through a browser.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, type Reply } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { exchange } from '../world/raw.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

const TOKEN = '0123456789abcdef-secret';
const bearer = { authorization: `Bearer ${TOKEN}` };
const SECRETS = ['/metrics', '/status', '/snapshot', '/events', '/other', '/payments?limit=1'];

let world: World;
/** Instance 0's: with a token. Instance 1's: without one. */
let ports: readonly [number, number];
let socket: Client;
let guarded: Client;
let open: Client;

before(async () => {
  world = await openWorld({ front: false });
  ports = [await freePort(), await freePort()];
  for (const number of [0, 1] as const) {
    const instance = world.instance(number);
    await instance.kill('SIGTERM');
    await instance.restart({
      ADMIN_LISTEN: `${instance.socketPath}.admin,127.0.0.1:${ports[number]}`,
      ...(number === 0 ? { ADMIN_TOKEN: TOKEN } : {}),
    });
  }
  socket = new Client(`${world.instance(0).socketPath}.admin`);
  guarded = new Client(`http://127.0.0.1:${ports[0]}`);
  open = new Client(`http://127.0.0.1:${ports[1]}`);
});
after(async () => {
  for (const client of [socket, guarded, open]) client.close();
  await world.close();
});

const reasonOf = ({ body }: Reply): string => (JSON.parse(body) as { reason: string }).reason;

const ask = async (client: Client, headers: Record<string, string>): Promise<number> =>
  (await client.send('GET', '/live', { headers })).status;

const hashOf = async (client: Client): Promise<string | undefined> => {
  const { body } = await client.send('GET', '/metrics', { headers: bearer });
  assert.ok(!body.includes(TOKEN));
  return /settings="(\w+)"/.exec(body)?.[1];
};

test('a port with a token is open for liveness, readiness and the page, and else for the token', async () => {
  for (const path of ['/live', '/ready', '/', '/page/main.js', '/page/style.css']) {
    assert.equal((await guarded.send('GET', path)).status, 200, path);
  }
  for (const path of SECRETS) {
    for (const headers of [
      {},
      { authorization: TOKEN },
      { authorization: `Bearer ${TOKEN}x` },
      { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
      { authorization: 'Bearer ' },
      { authorization: `Basic ${TOKEN}` },
    ]) {
      const reply = await guarded.send('GET', path, { headers });
      assert.equal(reply.status, 401, path);
      assert.equal(reply.headers['www-authenticate'], 'Bearer');
    }
  }
  assert.equal((await guarded.send('POST', '/live', { body: '{}' })).status, 401);
  assert.equal((await guarded.send('GET', '/status', { headers: bearer })).status, 200);
  assert.equal((await guarded.send('GET', '/other', { headers: bearer })).status, 404);
  assert.equal((await socket.send('GET', '/status')).status, 200);
});

test('a port without a token takes no action, and no name of somebody else', async () => {
  assert.equal((await open.send('GET', '/status')).status, 200);
  for (const path of ['/payments/1/retry', '/live', '/']) {
    const refused = await open.send('POST', path, { body: '{}' });
    assert.equal(refused.status, 403);
    assert.match(reasonOf(refused), /without ADMIN_TOKEN/);
  }
  const statusFor = async (host: string): Promise<number> =>
    (await open.send('GET', '/status', { headers: { host } })).status;
  for (const host of ['localhost', 'localhost:1', '127.0.0.1:80', '[::1]:9990', '10.0.0.7']) {
    assert.equal(await statusFor(host), 200, host);
  }
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '@']) {
    assert.equal(await statusFor(host), 403, host);
  }
  const unnamed = await exchange({ port: ports[1] }, 'GET /status HTTP/1.0\r\n\r\n');
  assert.equal(unnamed[0]?.status, 403);
});

test('a browser that another site sends is refused everywhere', async () => {
  const own = `127.0.0.1:${ports[0]}`;
  for (const client of [socket, guarded, open]) {
    for (const origin of ['http://evil.example', 'null', `http://${own}.evil.example`, '']) {
      assert.equal(await ask(client, { origin, host: own }), 403, origin);
    }
    assert.equal(await ask(client, { 'sec-fetch-site': 'cross-site' }), 403);
    assert.equal(await ask(client, { 'sec-fetch-site': 'same-site' }), 403);
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    assert.equal(await ask(client, link), 200);
    assert.equal(await ask(client, { 'sec-fetch-site': 'same-origin' }), 200);
    assert.equal(await ask(client, { origin: `http://${own}`, host: own }), 200);
  }
  // As a proxy with TLS passes it on.
  const proxied = { origin: 'https://pay.example', host: 'pay.example' };
  assert.equal(await ask(guarded, proxied), 200);
});

test('an action has a body of JSON', async () => {
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''];
  for (const type of types) {
    const headers = { ...bearer, 'content-type': type };
    const { status } = await guarded.send('POST', '/payments/1/retry', { body: '{}', headers });
    assert.equal(status, 415, type);
    const local = { body: '{}', headers: { 'content-type': type } };
    assert.equal((await socket.send('POST', '/payments/1/retry', local)).status, 415, type);
  }
});

test('HEAD is GET without a body, and what is no request is a JSON error', async () => {
  const port = ports[1];
  const rest = 'HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  for (const [path, type] of [
    ['/ready', 'application/json'],
    ['/metrics', 'text/plain; version=0.0.4; charset=utf-8'],
    ['/', 'text/html; charset=utf-8'],
    ['/events', 'text/event-stream'],
  ]) {
    const [answer] = await exchange({ port }, `HEAD ${path} ${rest}`);
    assert.equal(answer?.status, 200, path);
    assert.ok(answer.head.includes(`\r\nContent-Type: ${type}\r\n`), answer.head);
    assert.equal(answer.body, '');
  }
  for (const [request, status] of [
    ['no request\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ] as const) {
    const [answer] = await exchange({ port }, request);
    assert.equal(answer?.status, status, request.slice(0, 30));
    assert.equal(typeof (JSON.parse(answer.body) as { error: unknown }).error, 'string');
  }
});

test('the token is neither in the log nor in the metrics, and another one is no other setting', async () => {
  assert.equal(await hashOf(guarded), await hashOf(open));
  const { program } = world.instance(0);
  assert.ok(![...program.lines, ...program.errors].some((line) => line.includes(TOKEN)));
  const short = 'short-secret';
  await world.instance(1).kill('SIGTERM');
  world.instance(1).start({ ADMIN_TOKEN: short });
  assert.equal(await world.instance(1).program.ended(), 2);
  await waitUntil('it says why', () => world.instance(1).program.errors.length > 0);
  const said = world.instance(1).program.errors.join();
  assert.match(said, /^ADMIN_TOKEN must have/);
  assert.ok(!said.includes(short));
});
