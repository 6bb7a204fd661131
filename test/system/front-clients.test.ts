// nginx's limit for each client: who a client is, what it is told at its limit, and that the others
// are served meanwhile.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { believing } from '../../tools/system/nginx.ts';
import { readSettings } from '../../tools/system/settings.ts';
import { Client, type Reply } from '../world/client.ts';
import { Front } from '../world/front.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Stand } from './stand.ts';

const REQUESTS_MAX = 20;
const BODY = '{"correlationId":"3f2504e0-4f89-41d3-9a0c-0305e82c3300","amount":19.90}';

const directory = makeTempDirectory();
const stand = new Stand(directory, 0);
/** Believes this machine's word about who the client is. */
let front: Front;
let client: Client;

before(async () => {
  await stand.open();
  const clients = {
    requestsMax: REQUESTS_MAX,
    addressLines: believing(['127.0.0.1', '10.0.0.0/8']),
  };
  front = await Front.start(directory, [stand.path], { clients });
  client = new Client(front.url);
});
after(async () => {
  client.close();
  await front.close();
  await stand.shut();
});
beforeEach(() => {
  stand.bodies.length = 0;
});

const askAs = (address: string, to = client): Promise<Reply> =>
  to.send('GET', '/payments-summary', { headers: { 'X-Forwarded-For': address } });

/** Runs `during` while `address` has as many requests under way as it may have. */
async function whileFull(address: string, during: () => Promise<void>): Promise<void> {
  const held: (() => void)[] = [];
  stand.held = held;
  const waiting = Array.from({ length: REQUESTS_MAX }, () => askAs(address));
  await waitUntil('all are under way', () => held.length === REQUESTS_MAX);
  // The next ones are answered at once.
  stand.held = undefined;
  try {
    await during();
  } finally {
    for (const answer of held) answer();
  }
  for (const { status } of await Promise.all(waiting)) assert.equal(status, 202);
  await waitUntil('it is served again', async () => (await askAs(address)).status === 202);
}

test('a client at its limit is 429 with Retry-After and the reason, and others are served', async () => {
  await whileFull('192.0.2.1', async () => {
    const { status, headers, body } = await askAs('192.0.2.1');
    assert.equal(status, 429);
    assert.equal(headers['retry-after'], '1');
    assert.equal(headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(body), {
      error: 'too many requests',
      reason: 'this client has too many under way',
    });
    assert.equal((await askAs('192.0.2.2')).status, 202);
  });
});

test('an IPv6 client is its first 64 bits, however its address is written', async () => {
  await whileFull('2001:db8:0:1::1', async () => {
    for (const own of ['2001:db8:0:1::2', '2001:db8::1:ffff:0:0:9', '2001:0DB8:0:1:8000::']) {
      assert.equal((await askAs(own)).status, 429, own);
    }
    for (const other of ['2001:db8:0:2::1', '2001:db8::1', '::1', '192.0.2.1']) {
      assert.equal((await askAs(other)).status, 202, other);
    }
  });
});

test('an IPv4 address that is written as an IPv6 one is one client, not all of them', async () => {
  await whileFull('::ffff:192.0.2.1', async () => {
    assert.equal((await askAs('192.0.2.1')).status, 429);
    assert.equal((await askAs('::ffff:192.0.2.2')).status, 202);
  });
});

test('the client is the last address that no trusted proxy has', async () => {
  await whileFull('192.0.2.7', async () => {
    assert.equal((await askAs('198.51.100.9, 192.0.2.7, 10.1.2.3')).status, 429);
    assert.equal((await askAs('192.0.2.7, 198.51.100.9')).status, 202);
  });
});

test('nobody who is not trusted chooses who he is', async () => {
  const apart = makeTempDirectory();
  const limited = await Front.start(apart, [stand.path], {
    clients: { requestsMax: 1, addressLines: '' },
  });
  const own = new Client(limited.url);
  const held: (() => void)[] = [];
  stand.held = held;
  const first = askAs('192.0.2.1', own);
  await waitUntil('it is under way', () => held.length === 1);
  assert.equal((await askAs('192.0.2.2', own)).status, 429);
  stand.held = undefined;
  for (const answer of held) answer();
  assert.equal((await first).status, 202);
  own.close();
  await limited.close();
});

test('this machine asks whether it is ready, a client of a trusted proxy does not', async () => {
  const path = '/internal/ready';
  assert.equal((await client.send('GET', path)).status, 202);
  const headers = { 'X-Forwarded-For': '192.0.2.1' };
  assert.equal((await client.send('GET', path, { headers })).status, 404);
});

test('2,000 requests without end from one client keep nobody else waiting', async () => {
  const port = Number(new URL(front.url).port);
  const head = `POST /payments HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.66\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  let answers = '';
  const open = (): Socket => {
    const socket = connect(port, '127.0.0.1', () => socket.write(head + BODY.slice(0, 9)));
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      answers += bytes.toString('latin1');
    });
    return socket;
  };
  const sockets = Array.from({ length: 2_000 }, open);
  const refusals = (): number => answers.split('HTTP/1.1 429 ').length - 1;
  await waitUntil('it is at its limit', () => refusals() >= 2_000 - REQUESTS_MAX);
  assert.equal(refusals(), 2_000 - REQUESTS_MAX);
  for (let n = 0; n < 50; n++) {
    const headers = { 'X-Forwarded-For': '192.0.2.67' };
    const { status } = await client.send('POST', '/payments', { body: BODY, headers });
    assert.equal(status, 202);
  }
  assert.equal(stand.bodies.length, 50, 'nothing of a request without end arrives');
  for (const socket of sockets) socket.destroy();
});

test('npm start takes the limit and the proxies from its environment, and says what is wrong', () => {
  const { clientRequestsMax, trustedProxies } = readSettings({
    CLIENT_REQUESTS_MAX: '100',
    TRUSTED_PROXIES: '10.0.0.0/8,::1',
  });
  assert.equal(clientRequestsMax, 100);
  assert.deepEqual(trustedProxies, ['10.0.0.0/8', '::1']);
  assert.equal(readSettings({}).clientRequestsMax, 0);
  assert.throws(
    () => readSettings({ CLIENT_REQUESTS_MAX: '701' }),
    /CLIENT_REQUESTS_MAX .* up to 700/,
  );
  for (const wrong of ['proxy', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '1.2.3.4;', '10.0.0.1 ']) {
    assert.throws(() => readSettings({ TRUSTED_PROXIES: wrong }), /TRUSTED_PROXIES has /, wrong);
  }
});
