// What nginx answers by itself when no instance does, and what it does with a purge.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Client, type Reply } from '../world/client.ts';
import { Front } from '../world/front.ts';
import { exchange } from '../world/raw.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Stand } from './stand.ts';

const directory = makeTempDirectory();
const stands = [new Stand(directory, 0), new Stand(directory, 1)] as const;
const [first, second] = stands;
let front: Front;
let client: Client;

before(async () => {
  for (const stand of stands) await stand.open();
  front = await Front.start(
    directory,
    stands.map(({ path }) => path),
  );
  client = new Client(front.url);
});
after(async () => {
  client.close();
  await front.close();
  for (const stand of stands) await stand.shut();
});
beforeEach(async () => {
  for (const stand of stands) {
    stand.dies = false;
    await stand.open();
  }
  const takers = new Set<unknown>();
  await waitUntil('both take something', async () => {
    takers.add((await client.send('GET', '/anything')).headers['x-instance']);
    return takers.has('0') && takers.has('1');
  });
  for (const stand of stands) stand.bodies.length = 0;
});

const BODY = '{"correlationId":"3f2504e0-4f89-41d3-9a0c-0305e82c3300","amount":19.90}';
const pay = (): Promise<Reply> => client.send('POST', '/payments', { body: BODY });

function isUnavailable({ status, headers, body }: Reply, reason: string): void {
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(body), { error: 'unavailable', reason });
}

test('a payment that may have been taken is answered so, and one that was not as well', async () => {
  for (const stand of stands) stand.dies = true;
  isUnavailable(await pay(), 'it may have been taken: send it again');
  assert.ok(first.bodies.includes(BODY) && second.bodies.includes(BODY), 'both were asked');
  // One that died with it, and one that was never there.
  await second.shut();
  isUnavailable(await pay(), 'it may have been taken: send it again');
  await first.shut();
  isUnavailable(await pay(), 'no instance answers now');
  isUnavailable(await client.send('GET', '/payments-summary'), 'no instance answers now');
});

test('a purge is asked for once: not again where it was asked for already', async () => {
  for (const stand of stands) stand.dies = true;
  isUnavailable(
    await client.send('POST', '/purge-payments'),
    'it may have been taken: send it again',
  );
  assert.equal(first.bodies.length + second.bodies.length, 1);
  const tooLarge = await client.send('POST', '/purge-payments', { body: ' '.repeat(4097) });
  assert.equal(tooLarge.status, 413);
  assert.match(tooLarge.body, /^\{"error":/);
});

test('a purge goes to an instance that is there', async () => {
  await first.shut();
  for (let n = 0; n < 10; n++) {
    const { status, headers } = await client.send('POST', '/purge-payments');
    assert.equal(`${status} ${String(headers['x-instance'])}`, '202 1');
  }
  await second.shut();
  isUnavailable(await client.send('POST', '/purge-payments'), 'no instance answers now');
});

test('a method that nginx itself refuses is a 405 with Allow, where the address is known', async () => {
  for (const [path, allow] of [
    ['/payments', 'POST'],
    ['/payments?x', 'POST'],
    ['/purge-payments', 'POST'],
    ['/payments-summary?from=x', 'GET'],
    ['/payments-of-others', undefined],
  ] as const) {
    const { status, headers, body } = await client.send('TRACE', path);
    assert.equal(status, 405, path);
    assert.equal(headers.allow, allow, path);
    assert.deepEqual(JSON.parse(body), { error: 'method not allowed' });
  }
});

const raw = (head: string, body = ''): string =>
  `POST /payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n${body}`;
const line = (request: string): string => `${request}\r\nHost: x\r\nConnection: close\r\n\r\n`;
const badRequest = {
  error: 'bad request',
  field: 'request',
  reason: 'is not a valid HTTP/1.0 or HTTP/1.1 request for a path',
};
const version = { error: 'HTTP version not supported', reason: 'must be HTTP/1.0 or HTTP/1.1' };
const coding = { error: 'not implemented', reason: 'the only known Transfer-Encoding is chunked' };
const head = { error: 'head too large', reason: 'must have at most 16 kB, and 8 kB in a line' };
const body = { error: 'body too large', reason: 'must have at most 4096 bytes' };
const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
/** The bytes, the status, and the body of nginx's own error (none: an instance answers). */
const oddities: Readonly<Record<string, readonly [string | Uint8Array, number, object?]>> = {
  'HTTP/1.0 without Host': ['GET /payments-summary HTTP/1.0\r\n\r\n', 202],
  'a payment of HTTP/1.0 without Host': [`POST /payments HTTP/1.0\r\n${LENGTH}\r\n${BODY}`, 202],
  'an unknown expectation': [raw(`Expect: wonders\r\n${LENGTH}`, BODY), 202],
  'an upgrade': [raw(`Upgrade: h2c\r\n${LENGTH}`, BODY), 202],
  'a whole address': [line('GET http://other/payments-summary HTTP/1.1'), 202],
  'no Host': ['GET /payments-summary HTTP/1.1\r\n\r\n', 400, badRequest],
  'two Hosts': [raw(`Host: y\r\n${LENGTH}`, BODY), 400, badRequest],
  CONNECT: [line('CONNECT x:80 HTTP/1.1'), 400, badRequest],
  'OPTIONS *': [line('OPTIONS * HTTP/1.1'), 400, badRequest],
  'a word': ['GARBAGE\r\n\r\n', 400, badRequest],
  'the first bytes of TLS': [Buffer.from('16030102000100', 'hex'), 400, badRequest],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, badRequest],
  'an address above the root': [line('GET /../x HTTP/1.1'), 400, badRequest],
  'a NUL in the address': [line('GET /pay\u0000ments HTTP/1.1'), 400, badRequest],
  'a NUL in a header': [raw(`X: a\u0000b\r\n${LENGTH}`, BODY), 400, badRequest],
  'a blank in the name of a header': [raw(`X Y: 1\r\n${LENGTH}`, BODY), 400, badRequest],
  'a length, and chunks': [raw(LENGTH + CHUNKED, '0\r\n\r\n'), 400, badRequest],
  'two lengths': [raw(`${LENGTH}Content-Length: 3\r\n`, BODY), 400, badRequest],
  'a chunk without a size': [raw(CHUNKED, `zz\r\n${BODY}\r\n0\r\n\r\n`), 400, badRequest],
  'a body beyond 4096 bytes': [raw('Content-Length: 4097\r\n'), 413, body],
  'chunks beyond 4096 bytes': [raw(CHUNKED, `1001\r\n${'x'.repeat(4097)}\r\n`), 413, body],
  'an address beyond 8 kB': [
    line(`GET /${'x'.repeat(8_200)} HTTP/1.1`),
    414,
    { error: 'address too long' },
  ],
  'a line beyond 8 kB': [raw(`X: ${'x'.repeat(8_200)}\r\n${LENGTH}`, BODY), 431, head],
  'lines beyond 32 kB': [raw(`X: ${'x'.repeat(7_000)}\r\n`.repeat(6) + LENGTH, BODY), 431, head],
  'another coding': [raw('Transfer-Encoding: gzip\r\n'), 501, coding],
  'HTTP/2.0': [line('GET /payments-summary HTTP/2.0'), 505, version],
};

test('each oddity gets one answer, and the error that is true of it', async (t) => {
  const port = Number(new URL(front.url).port);
  for (const [name, [bytes, status, error]] of Object.entries(oddities)) {
    await t.test(name, async () => {
      const answers = await exchange({ host: '127.0.0.1', port }, bytes);
      assert.equal(answers.length, 1);
      const [answer] = answers;
      assert.equal(answer?.status, status, answer?.body);
      if (error === undefined) return;
      assert.match(answer.head, /\r\nContent-Type: application\/json/);
      assert.deepEqual(JSON.parse(answer.body), error);
    });
  }
});

const held = (): number => stands.reduce((sum, each) => sum + (each.held?.length ?? 0), 0);

test('700 requests are under way at most: one more is 503 with Retry-After at once, and all others are answered', async () => {
  for (const each of stands) each.held = [];
  const path = '/payments-summary';
  const waiting = Array.from({ length: 700 }, () => client.send('GET', path));
  await waitUntil('all are under way', () => held() === waiting.length);
  const refused = await client.send('GET', path);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '1');
  const { reason } = JSON.parse(refused.body) as { reason: string };
  assert.equal(reason, 'too many requests at once');
  for (const each of stands) {
    for (const answer of each.held ?? []) answer();
    each.held = undefined;
  }
  for (const reply of await Promise.all(waiting)) assert.equal(reply.status, 202);
  assert.equal((await client.send('GET', path)).status, 202);
});
