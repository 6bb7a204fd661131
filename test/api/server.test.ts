// The server on its Unix socket against clients that send bytes by hand.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Handlers } from '../../src/api/handlers.ts';
import { ok } from '../../src/api/replies.ts';
import { createRouter } from '../../src/api/routes.ts';
import { ApiServer } from '../../src/api/server.ts';
import type { Admission } from '../../src/intake/admission.ts';
import { idToText, type IdWords } from '../../src/payment.ts';

const ID = '4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3';
const BODY = `{"correlationId":"${ID}","amount":19.9}`;

const ROUTES = { amountMaxCents: 1_000_000, ownQuery: '', allowPurge: false };

interface Started {
  readonly path: string;
  readonly server: ApiServer;
  readonly paid: string[];
}

async function start(t: TestContext, admit?: () => unknown): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), 'repasse-api-'));
  const path = join(directory, 'api.sock');
  const paid: string[] = [];
  const admission = {
    answers: {},
    admit: (id: IdWords, cents: number) => {
      paid.push(`${idToText(id)} ${cents}`);
      return admit?.() ?? 'accepted';
    },
  } as unknown as Admission;
  const handlers = {
    summary: () => Promise.reject(new Error('no ledger')),
    status: () => ok('{}'),
  } as unknown as Handlers;
  const server = new ApiServer(path, createRouter({ ...ROUTES, admission, handlers }));
  await server.listen();
  t.after(async () => {
    await server.close(Promise.resolve());
    rmSync(directory, { recursive: true });
  });
  return { path, server, paid };
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
  });
}

/** Everything that comes until it matches, or until the end of the connection. */
function until(socket: Socket, wanted: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (wanted.test(text)) resolve(text);
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

const post = (body: string, more = ''): string =>
  `POST /payments HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test('a body that comes byte by byte is one payment', async (t) => {
  const { path, paid } = await start(t);
  const socket = await open(path);
  socket.setNoDelay(true);
  const answer = until(socket, /\r\n\r\n/);
  for (const byte of post(BODY)) {
    await new Promise((resolve) => {
      socket.write(byte, resolve);
    });
  }
  assert.match(await answer, /^HTTP\/1\.1 202 /);
  assert.deepEqual(paid, [`${ID} 1990`]);
  socket.destroy();
});

test('requests sent at once on one connection are handled and answered in order', async (t) => {
  const { path, paid } = await start(t);
  const socket = await open(path);
  const answer = until(socket, /(HTTP\/1\.1[^]*){3}\r\n\r\n/);
  socket.write(post(BODY) + post('{}') + post(BODY.replace('19.9', '1')));
  const statuses = [...(await answer).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
  assert.deepEqual(statuses, ['202', '400', '202']);
  assert.deepEqual(paid, [`${ID} 1990`, `${ID} 100`]);
  socket.destroy();
});

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

test('a chunked body is read like any other, and refused beyond 4096 bytes', async (t) => {
  const { path, paid } = await start(t);
  const head = 'POST /payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  const socket = await open(path);
  socket.write(`${head}${chunk(BODY.slice(0, 20))}${chunk(BODY.slice(20))}0\r\n\r\n`);
  assert.match(await until(socket, /\r\n\r\n/), /^HTTP\/1\.1 202 /);
  socket.destroy();
  const second = await open(path);
  second.write(`${head}${chunk(' '.repeat(4_000))}${chunk(' '.repeat(97))}`);
  assert.match(await until(second, /4096 bytes/), /^HTTP\/1\.1 413 [^]*Connection: close/);
  second.destroy();
  assert.equal(paid.length, 1);
});

test('4096 bytes are taken and 4097 are not, before they are sent', async (t) => {
  const { path, paid } = await start(t);
  const socket = await open(path);
  socket.write(post(BODY.padEnd(4_096)));
  assert.match(await until(socket, /\r\n\r\n/), /^HTTP\/1\.1 202 /);
  socket.destroy();
  const second = await open(path);
  second.write('POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n');
  assert.match(await until(second, /4096 bytes/), /^HTTP\/1\.1 413 /);
  second.destroy();
  assert.equal(paid.length, 1);
});

test('a client that leaves in the middle of its body has made no payment', async (t) => {
  const { path, paid } = await start(t);
  const socket = await open(path);
  socket.write(post(BODY).slice(0, -5));
  socket.end();
  await until(socket, /never/);
  const next = await open(path);
  next.write(post(BODY));
  await until(next, /\r\n\r\n/);
  assert.equal(paid.length, 1);
  next.destroy();
});

test('what is not HTTP gets a 400 in JSON', async (t) => {
  const { path } = await start(t);
  const socket = await open(path);
  socket.write('GARBAGE\r\n\r\n');
  assert.match(await until(socket, /never/), /^HTTP\/1\.1 400 [^]*{"error":"bad request"/);
});

test('any content type or none is fine', async (t) => {
  const { path, paid } = await start(t);
  for (const more of ['', 'Content-Type: text/plain\r\n', 'Content-Type: ?\r\n']) {
    const socket = await open(path);
    socket.write(post(BODY, more));
    assert.match(await until(socket, /\r\n\r\n/), /^HTTP\/1\.1 202 /);
    socket.destroy();
  }
  assert.equal(paid.length, 3);
});

test('each answer of the admission has its status; a 503 says when to come back', async (t) => {
  const answers = [
    'accepted',
    'repeated',
    'conflict',
    'full',
    'purging',
    'stopping',
    'foreign',
    'broken',
    'late',
    'unsafe',
  ] as const;
  const queue = [...answers];
  const { path } = await start(t, () => queue.shift());
  const seen: string[] = [];
  const reasons: string[] = [];
  for (const answer of answers) {
    const socket = await open(path);
    socket.write(post(BODY, 'Connection: close\r\n'));
    const text = await until(socket, /never/);
    seen.push(text.slice(9, 12));
    const after = /Retry-After: (\d)\r\n/.exec(text)?.[1];
    const expected = answer === 'late' ? '5' : '1';
    assert.equal(after, text.startsWith('HTTP/1.1 503') ? expected : undefined);
    reasons.push(/"reason":"(.*)"/.exec(text)?.[1] ?? '');
  }
  assert.deepEqual(seen, ['202', '202', '409', '503', '503', '503', '421', '503', '503', '503']);
  assert.deepEqual(reasons.slice(3, 6), [
    'no room for more payments now',
    'a purge is under way',
    'this instance is stopping',
  ]);
});

test('a ledger that can not be read is a 503, a purge that is not allowed a 404', async (t) => {
  const { path } = await start(t);
  const socket = await open(path);
  socket.write('GET /payments-summary HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(await until(socket, /}/), /^HTTP\/1\.1 503 [^]*Retry-After: 1/);
  socket.write('POST /purge-payments HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
  assert.match(await until(socket, /not found/), /^HTTP\/1\.1 404 /);
  socket.destroy();
});

test('the socket is for its owner and group alone, replaces a dead one, and never a live one', async (t) => {
  const { path, server } = await start(t);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  const router = createRouter({ ...ROUTES, admission: {} as Admission });
  const second = new ApiServer(path, router);
  await assert.rejects(second.listen(), /SOCKET_PATH .* is in use by another process/);
  await server.close(Promise.resolve());
  await second.listen();
  await second.close(Promise.resolve());
});

const bounded = { timeout: 20_000 };

test(
  "while it closes, the answer under way is its connection's last, and silent ones end",
  bounded,
  async (t) => {
    let say!: (answer: 'accepted') => void;
    const answer = new Promise<'accepted'>((resolve) => {
      say = resolve;
    });
    let asked!: () => void;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const admit = (): Promise<'accepted'> => {
      asked();
      return answer;
    };
    const { path, server } = await start(t, admit);
    const silent = await open(path);
    const idle = await open(path);
    idle.write('GET /internal/status HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.doesNotMatch(await until(idle, /{}/), /Connection: close/);
    const busy = await open(path);
    busy.write(post(BODY));
    await isAsked;
    const ends = Promise.all([silent, idle].map((socket) => until(socket, /never/)));
    const closed = server.close(new Promise(() => {}));
    await ends;
    const last = until(busy, /never/);
    say('accepted');
    assert.match(await last, /^HTTP\/1\.1 202 [^]*\r\nConnection: close\r\n/);
    await closed;
  },
);
