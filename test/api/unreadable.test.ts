// An instance answers bytes that are no HTTP request, and unusual requests, with a JSON error that
// is true. Earlier requests on the connection get their own answers first.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Handlers } from '../../src/api/handlers.ts';
import { ok } from '../../src/api/replies.ts';
import { createRouter } from '../../src/api/routes.ts';
import { ApiServer } from '../../src/api/server.ts';
import type { Admission } from '../../src/intake/admission.ts';
import { exchange } from '../world/raw.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';

const BODY = '{"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","amount":19.9}';
const SUMMARY = '{"default":{},"fallback":{}}';

async function serve(t: TestContext, admit: () => unknown = () => 'accepted', requestMs?: number) {
  const path = join(makeTempDirectory(), 'api.sock');
  const route = createRouter({
    admission: { admit, answers: {} } as unknown as Admission,
    handlers: { summary: () => Promise.resolve(ok(SUMMARY)) } as unknown as Handlers,
    amountMaxCents: 1_000_000,
    ownQuery: '',
    allowPurge: false,
  });
  const server = new ApiServer(path, route, requestMs);
  await server.listen();
  t.after(() => server.close(Promise.resolve()));
  return { path };
}

const payment = (head: string, body = BODY): string =>
  `POST /payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n${body}`;
const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const get = (target: string, more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`;
const hex = (text: string): string => text.length.toString(16);

const NOT_HTTP = 'is not a valid HTTP/1.0 or HTTP/1.1 request for a path';
const HEAD = 'must have at most 16 kB, and 8 kB in a line';
const EXTENSIONS = 'must have at most 16 kB of chunk extensions';

/** The bytes, the status, and the reason that the error gives. */
const cases: Readonly<Record<string, readonly [string | Uint8Array, number, string?]>> = {
  'HTTP/1.0 without Host': ['GET /payments-summary HTTP/1.0\r\n\r\n', 200],
  'a payment of HTTP/1.0 without Host': [`POST /payments HTTP/1.0\r\n${LENGTH}\r\n${BODY}`, 202],
  'no Host': ['GET /payments-summary HTTP/1.1\r\nConnection: close\r\n\r\n', 200],
  'an unknown expectation': [payment(`Expect: wonders\r\n${LENGTH}`), 202],
  'an upgrade': [payment(`Upgrade: h2c\r\n${LENGTH}`).replace('close', 'upgrade, close'), 202],
  'a whole address': [get('http://other:80/payments-summary?from=2000-01-01'), 200],
  'a whole address without a path': [get('http://other'), 404],
  'OPTIONS *': ['OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
  'a body for a GET': [get('/payments-summary', `${LENGTH}\r\n${BODY}`).slice(0, -2), 200],
  'a head beyond 16 kB': [payment(`X: ${'x'.repeat(16_384)}\r\n${LENGTH}`), 431, HEAD],
  'an address beyond 16 kB': [get(`/${'x'.repeat(16_384)}`), 431, HEAD],
  'chunk extensions beyond 16 kB': [
    payment(CHUNKED, `${hex(BODY)};${'x'.repeat(16_500)}\r\n${BODY}\r\n0\r\n\r\n`),
    413,
    EXTENSIONS,
  ],
  'an unknown method': ['BREW /payments HTTP/1.1\r\n\r\n', 501, 'the method is unknown'],
  CONNECT: ['CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n', 400, NOT_HTTP],
  'a word': ['GARBAGE\r\n\r\n', 400, NOT_HTTP],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, NOT_HTTP],
  'the first bytes of TLS': [Uint8Array.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), 400, NOT_HTTP],
  'a chunk without a size': [payment(CHUNKED, `zz\r\n${BODY}\r\n0\r\n\r\n`), 400, NOT_HTTP],
  'a chunk beyond its size': [payment(CHUNKED, `5\r\n${BODY}\r\n0\r\n\r\n`), 400, NOT_HTTP],
  'a length, and chunks': [payment(LENGTH + CHUNKED, '0\r\n\r\n'), 400, NOT_HTTP],
  'two lengths': [payment(`${LENGTH}Content-Length: 3\r\n`), 400, NOT_HTTP],
  'a negative length': [payment('Content-Length: -5\r\n'), 400, NOT_HTTP],
  'a blank in the name of a header': [payment(`X Y: 1\r\n${LENGTH}`), 400, NOT_HTTP],
  'a NUL in a header': [payment(`X: a\u0000b\r\n${LENGTH}`), 400, NOT_HTTP],
  'a NUL in the address': [get('/pay\u0000ments'), 400, NOT_HTTP],
};

test('each oddity gets one answer, and the error that is true of it', async (t) => {
  const { path } = await serve(t);
  for (const [name, [bytes, status, reason]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const answers = await exchange({ path }, bytes);
      assert.equal(answers.length, 1);
      const [{ status: got, head, body } = { status: 0, head: '', body: '' }] = answers;
      assert.equal(got, status, `${head}\n${body}`);
      if (status !== 202) assert.match(head, /\r\nContent-Type: application\/json/);
      if (reason === undefined) return;
      assert.match(head, /\r\nConnection: close/);
      assert.equal((JSON.parse(body) as { reason?: string }).reason, reason);
    });
  }
});

test('a payment keeps its answer when garbage comes with it', async (t) => {
  for (const later of [false, true]) {
    const admit = (): 'accepted' | Promise<'accepted'> =>
      later ? new Promise((resolve) => setImmediate(() => resolve('accepted'))) : 'accepted';
    const { path } = await serve(t, admit);
    const head = `POST /payments HTTP/1.1\r\nHost: x\r\n${LENGTH}\r\n`;
    const summary = 'GET /payments-summary HTTP/1.1\r\nHost: x\r\n\r\n';
    for (const [odd, status] of [
      ['GARBAGE\r\n\r\n', 400],
      ['BREW / HTTP/1.1\r\n\r\n', 501],
      ['CONNECT x:80 HTTP/1.1\r\n\r\n', 400],
      [`${head.replace(LENGTH, CHUNKED)}zz\r\n`, 400],
    ] as const) {
      const answers = await exchange({ path }, head + BODY + summary + odd);
      assert.deepEqual(
        answers.map((each) => each.status),
        [202, 200, status],
        odd,
      );
    }
  }
});

test('a request that does not arrive in time is a 408, and its connection ends', async (t) => {
  const { path } = await serve(t, undefined, 100);
  for (const slow of [payment(LENGTH, '{'), 'GET /payments-summ']) {
    const [answer] = await exchange({ path }, slow);
    assert.equal(answer?.status, 408);
    assert.deepEqual(JSON.parse(answer.body), {
      error: 'too slow',
      reason: 'must arrive within 10 s',
    });
  }
});
