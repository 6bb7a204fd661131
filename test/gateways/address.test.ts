// A processor's address is used in all its parts, and its password is shown nowhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddress } from '../../src/config/processor-address.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS } from './rude-fixture.ts';
import { answering, saying } from './rude-server.ts';

const CHARGE = chargeNumber(1);
const ID = CHARGE.correlationId;
const SECRET = 'p%C3%A4ss%2F%3A%40';
const DECODED = 'päss/:@';
const TOKEN = Buffer.from(`user@shop:${DECODED}`).toString('base64');

const withUser = (url: string): string => url.replace('//', `//user%40shop:${SECRET}@`);

test('user, password, path and query go with every request', async (context) => {
  const { server, processor } = await meetRudeServer(context, {
    address: (url) => `${withUser(url)}/v%31/a%20b//?tenant=7&x=%2F`,
    outcomes: 'strict',
  });
  server.behave = answering(200);
  await processor.charge(CHARGE, PATIENCE_MS);
  await processor.lookup(ID, PATIENCE_MS);
  await processor.health(PATIENCE_MS);
  assert.deepEqual(
    server.seen.map(({ method, path }) => `${method} ${path}`),
    [
      'POST /v%31/a%20b/payments?tenant=7&x=%2F',
      `GET /v%31/a%20b/payments/${ID}?tenant=7&x=%2F`,
      'GET /v%31/a%20b/payments/service-health?tenant=7&x=%2F',
    ],
  );
  for (const { headers } of server.seen) {
    assert.equal(headers['authorization'], `Basic ${TOKEN}`);
    assert.equal(headers['host'], new URL(server.url).host);
  }
});

test('an address without a user sends no authorization', async (context) => {
  const { server, processor } = await meetRudeServer(context, { address: (url) => `${url}/` });
  server.behave = answering(200);
  await processor.charge(CHARGE, PATIENCE_MS);
  assert.equal(server.seen[0]?.path, '/payments');
  assert.equal(server.seen[0]?.headers['authorization'], undefined);
});

test('a server that sends the password back finds it in no result', async (context) => {
  const { server, processor } = await meetRudeServer(context, {
    address: withUser,
    outcomes: 'strict',
  });
  const echo = `no such user: Basic ${TOKEN}, ${SECRET}, ${DECODED}!`;
  for (const behaviour of [answering(403, echo), saying(`${echo}\r\n`)]) {
    server.behave = behaviour;
    const { excerpt } = await processor.charge(CHARGE, PATIENCE_MS);
    assert.notEqual(excerpt, '');
    const looked = await processor.lookup(ID, PATIENCE_MS);
    for (const text of [excerpt, looked.excerpt]) {
      for (const secret of [TOKEN, SECRET, DECODED]) assert.ok(!text.includes(secret), text);
    }
  }
});

const read = (url: string) => {
  const address = readAddress(url);
  if (typeof address === 'string') return address;
  const { origin, hostname, prefix, query } = address;
  return [origin, hostname, prefix, query];
};

test('IPv6 hosts, ports and https are part of the address; a fragment is refused', () => {
  assert.deepEqual(read('http://[::1]:8080'), ['http://[::1]:8080', '::1', '', '']);
  assert.deepEqual(read('https://p.example/'), ['https://p.example', 'p.example', '', '']);
  assert.deepEqual(read('http://P:80/a/?'), ['http://p', 'p', '/a', '']);
  assert.match(String(read('http://p/a#b')), /fragment/);
  assert.match(String(read('p:8001')), /must be an http/);
  assert.match(String(read('')), /must be an http/);
});

test('a processor on IPv6 is reached', async (context) => {
  const { server, processor } = await meetRudeServer(context, { host: '::1' });
  server.behave = answering(200);
  assert.equal((await processor.charge(CHARGE, PATIENCE_MS)).outcome, 'charged');
});
