// Answers in every form that HTTP allows are understood, to a charge and to a question. An answer
// without a request is never taken for the next request's.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { waitUntil } from '../world/wait-until.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS } from './rude-fixture.ts';
import { answering, saying, type Behaviour } from './rude-server.ts';

const CHARGE = { ...chargeNumber(1), amountCents: 1990 };
const { correlationId: ID, requestedAtMs: AT } = CHARGE;
const NOTE = 'ação';
const TIME = new Date(AT).toISOString();
const HELD = `{"correlationId":"${ID}","amount":19.90,"requestedAt":"${TIME}","note":"${NOTE}"}`;
const OK = 'HTTP/1.1 200 OK\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

const lengthOf = (body: string | Buffer): string =>
  `content-length: ${Buffer.byteLength(body)}\r\n`;
const whole = (body: string | Buffer, headers = ''): Buffer =>
  Buffer.concat([Buffer.from(`${OK}${lengthOf(body)}${headers}\r\n`), Buffer.from(body)]);
const coded = (coding: string, body: Buffer): Buffer =>
  whole(body, `content-encoding: ${coding}\r\n`);
const chunked = (body: string, size: number, trailers = ''): string => {
  const bytes = Buffer.from(body);
  let text = `${OK}transfer-encoding: chunked\r\n\r\n`;
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    text += `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`;
  }
  return `${text}0\r\n${trailers}\r\n`;
};

/** Goes on while the test does. */
const slowly =
  (run: (socket: Socket) => Promise<void>): Behaviour =>
  (socket) =>
    void run(socket);

/** A byte at a time, in turns of the event loop: a character of several bytes is torn too. */
const trickling = (bytes: Buffer): Behaviour =>
  slowly(async (socket) => {
    for (const byte of bytes) {
      socket.write(Buffer.of(byte));
      await sleep(0);
    }
  });

const FORMS: readonly (readonly [string, Behaviour])[] = [
  ['plain', saying(whole(HELD))],
  ['a byte at a time', trickling(whole(HELD))],
  ['in chunks', saying(Buffer.from(chunked(HELD, 7), 'latin1'))],
  ['in chunks of a byte', saying(Buffer.from(chunked(HELD, 1), 'latin1'))],
  ['with trailers', saying(Buffer.from(chunked(HELD, 50, 'x-checksum: 1\r\n'), 'latin1'))],
  ['until the end of the connection', (socket): void => void socket.end(`${OK}\r\n${HELD}`)],
  ['in HTTP/1.0', (socket): void => void socket.end(`HTTP/1.0 200 OK\r\n\r\n${HELD}`)],
  ['with a byte order mark', saying(whole(`\uFEFF${HELD}`))],
  ['of almost 16 kB', saying(whole(HELD.replace(NOTE, 'x'.repeat(16_000))))],
  ['after 100', saying(Buffer.concat([Buffer.from(CONTINUE), whole(HELD)]))],
  ['after 100, a byte at a time', trickling(Buffer.concat([Buffer.from(CONTINUE), whole(HELD)]))],
  [
    'after 100, 102, 103 and 100 with headers',
    saying(
      Buffer.concat([
        Buffer.from(`${CONTINUE}HTTP/1.1 102 Processing\r\n\r\n`),
        Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'),
        Buffer.from('HTTP/1.1 100 Continue\r\nserver: x\r\ncontent-length: 0\r\n\r\n'),
        whole(HELD),
      ]),
    ),
  ],
  ['in gzip', saying(coded('gzip', gzipSync(HELD)))],
  ['in x-gzip', saying(coded('X-GZIP', gzipSync(HELD)))],
  ['in deflate', saying(coded('deflate', deflateSync(HELD)))],
  ['in deflate without its wrapper', saying(coded('deflate', deflateRawSync(HELD)))],
  ['in br', saying(coded('br', brotliCompressSync(HELD)))],
  ['in identity', saying(coded('identity', Buffer.from(HELD)))],
  ['in two codings', saying(coded('deflate, gzip', gzipSync(deflateSync(HELD))))],
];

for (const [form, behaviour] of FORMS) {
  test(`an answer ${form} is understood`, async (context) => {
    const { server, processor } = await meetRudeServer(context, { outcomes: 'strict' });
    server.behave = behaviour;
    assert.equal((await processor.charge(CHARGE, PATIENCE_MS)).outcome, 'charged');
    assert.deepEqual((await processor.lookup(ID, PATIENCE_MS)).held, CHARGE);
    assert.equal(server.seen.length, 2);
    const encodings = server.seen.map(({ headers }) => headers['accept-encoding']);
    assert.deepEqual(encodings, ['identity', 'identity']);
  });
}

const UNREADABLE: readonly (readonly [string, Behaviour, RegExp])[] = [
  ['in an unknown coding', saying(coded('zstd', Buffer.from(HELD))), /coding cannot be undone/],
  ['in a coding that it lies about', saying(coded('gzip', Buffer.from(HELD))), /coding cannot/],
  [
    'cut before it was coded',
    saying(coded('gzip', gzipSync(HELD).subarray(0, 40))),
    /coding cannot/,
  ],
  [
    'that is a bomb',
    saying(coded('br', brotliCompressSync(Buffer.alloc(1_000_000, ' ')))),
    /coding cannot be undone/,
  ],
  [
    'in too many codings',
    saying(coded('identity, identity, identity, identity', Buffer.from(HELD))),
    /coding cannot be undone/,
  ],
  ['beyond 16 kB', saying(whole('x'.repeat(20_000))), /beyond 16384 bytes/],
  [
    'of a page',
    saying(whole('<html>\u001b[2J\n\u202eplease log in\u0000</html>')),
    /^<html> \[2J please/,
  ],
  ['of half a payment', saying(whole(HELD.slice(0, -5))), /^\{"correlationId"/],
  ['in UTF-16', saying(whole(Buffer.from(HELD, 'utf16le'))), /./],
];

for (const [form, behaviour, said] of UNREADABLE) {
  test(`an answer ${form} proves nothing, and is quoted`, async (context) => {
    const { server, processor } = await meetRudeServer(context, { outcomes: 'strict' });
    server.behave = behaviour;
    const charged = await processor.charge(CHARGE, PATIENCE_MS);
    assert.equal(charged.outcome, 'unknown');
    assert.match(charged.excerpt, said);
    const { held, ...looked } = await processor.lookup(ID, PATIENCE_MS);
    assert.equal(held, 'unknown');
    assert.match(looked.excerpt, said);
    assert.ok(looked.excerpt.length <= 200);
    assert.match(looked.excerpt, /^[^\p{C}]*$/u);
    assert.equal(looked.status, form === 'beyond 16 kB' ? 0 : 200);
  });
}

test('a 404 says that a payment is absent when it is empty or JSON, not when it is a page', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  for (const body of ['', ' ', '{}', '{"title":"Not Found","status":404}', 'null']) {
    server.behave = answering(404, body);
    assert.equal((await processor.lookup(ID, PATIENCE_MS)).held, 'absent', body);
  }
  for (const body of ['<html>404</html>', '404 page not found\n', '{']) {
    server.behave = answering(404, body);
    const { held, status, excerpt } = await processor.lookup(ID, PATIENCE_MS);
    assert.deepEqual([held, status, excerpt], ['unknown', 404, body.trim()]);
  }
});

test('an answer that no request belongs to ends its connection, and answers nothing', async (context) => {
  for (const pauseMs of [0, 20]) {
    const { server, processor } = await meetRudeServer(context, { connections: 1 });
    server.behave = slowly(async (socket) => {
      socket.write(whole('{}'));
      if (pauseMs > 0) await sleep(pauseMs);
      socket.write(whole('{}'));
    });
    assert.equal((await processor.charge(chargeNumber(1), PATIENCE_MS)).outcome, 'charged');
    await waitUntil('the connection is given up', () => server.open === 0);
    server.behave = answering(500);
    assert.equal((await processor.charge(chargeNumber(2), PATIENCE_MS)).outcome, 'declined');
    assert.equal(server.accepted, 2);
  }
});

test('informational answers without end are bounded by the deadline', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  let written = 0;
  server.behave = slowly(async (socket) => {
    while (!socket.destroyed) {
      socket.write(CONTINUE);
      written++;
      await sleep(1);
    }
  });
  const { outcome, status } = await processor.charge(CHARGE, 200);
  assert.deepEqual([outcome, status], ['unknown', 0]);
  assert.ok(written > 1);
  server.behave = answering(200);
  assert.equal((await processor.charge(CHARGE, PATIENCE_MS)).outcome, 'charged');
});
