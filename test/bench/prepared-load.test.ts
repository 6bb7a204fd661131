// The load generator of high rates, against a real server: what it sends, what it keeps of each
// payment, and that it waits for no answer.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerReader } from '../../tools/load/answer-reader.ts';
import { LoadGenerator, type LoadRecord } from '../../tools/load/prepared-load.ts';
import { idsIn } from '../../tools/load/prepared-payments.ts';

type Handle = (id: string, response: ServerResponse) => void;

interface Received {
  readonly server: Server;
  readonly port: number;
  readonly bodies: string[];
  readonly sockets: Set<IncomingMessage['socket']>;
}

async function listen(handle: Handle): Promise<Received> {
  const bodies: string[] = [];
  const sockets = new Set<IncomingMessage['socket']>();
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      handle((JSON.parse(body) as { correlationId: string }).correlationId, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, bodies, sockets };
}

async function load(
  { port, server }: Received,
  count: number,
  connectionsMax: number,
  { stop, durationMs = 200 }: { stop?: AbortSignal; durationMs?: number } = {},
): Promise<LoadRecord> {
  const generator = new LoadGenerator({
    to: { host: '127.0.0.1', port },
    rate: (count * 1_000) / durationMs,
    durationMs,
    connectionsMax,
    slowMs: 10,
    ...(stop && { stop }),
  });
  const record = await generator.run();
  server.closeAllConnections();
  server.close();
  return record;
}

const answer = (response: ServerResponse, status: number, text = ''): void => {
  response.writeHead(status, { 'content-length': text.length }).end(text);
};

const statusOf = (id: string): number => (id.endsWith('0') ? 503 : 202);

for (const connectionsMax of [1, 3, 1_000]) {
  test(`each payment is kept with its own answer, over at most ${connectionsMax} connections`, async () => {
    const received = await listen((id, response) =>
      answer(response, statusOf(id), id.endsWith('0') ? '{"error":"full"}' : ''),
    );
    const record = await load(received, 400, connectionsMax);
    const ids = idsIn(record.ids);
    assert.equal(record.sent, 400);
    assert.equal(new Set(ids).size, 400);
    assert.ok(
      ids.every((id) =>
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id),
      ),
    );
    assert.deepEqual([...record.statuses], ids.map(statusOf));
    assert.deepEqual(
      received.bodies.toSorted(),
      ids.map((id) => `{"correlationId":"${id}","amount":19.90}`).toSorted(),
    );
    assert.ok(record.answeredAtMs.every((atMs) => atMs > 0));
    assert.ok(received.sockets.size <= connectionsMax);
  });
}

test('payments leave although none is answered, and count as without an answer', async () => {
  const received = await listen(() => {
    if (received.bodies.length === 50) received.server.closeAllConnections();
  });
  const record = await load(received, 50, 1_000);
  assert.equal(received.sockets.size, 50, 'each had to open a connection');
  assert.deepEqual(new Set(record.statuses), new Set([0]));
  assert.deepEqual(new Set(record.answeredAtMs), new Set([0]));
});

test('a connection that the server ends costs only what was under way on it', async () => {
  let count = 0;
  const received = await listen((_, response) => {
    if (++count === 20) response.socket?.destroy();
    else answer(response, 202);
  });
  const record = await load(received, 200, 1_000);
  const lost = record.statuses.filter((status) => status === 0).length;
  assert.equal(lost, 1);
  assert.equal(record.statuses.filter((status) => status === 202).length, 199);
});

test('a stop ends the load: what was sent is kept', async () => {
  const stop = new AbortController();
  const received = await listen((_, response) => {
    answer(response, 202);
    if (received.bodies.length === 10) stop.abort();
  });
  const record = await load(received, 60_000, 10, {
    stop: stop.signal,
    durationMs: 120_000,
  });
  assert.ok(record.sent >= 10 && record.sent < 60_000);
  assert.equal(record.sent, received.bodies.length);
  assert.equal(idsIn(record.ids).length, record.sent);
});

test('answers are read in whatever pieces they come', () => {
  const answers = [
    { status: 202, text: 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', isLast: false },
    {
      status: 503,
      text: 'HTTP/1.1 503 x\r\nRetry-After: 1\r\ncontent-length: 4\r\nConnection: close\r\n\r\n\r\n\r\n',
      isLast: true,
    },
    { status: 204, text: 'HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n', isLast: false },
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...answers), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1 }),
      (sent, sizes) => {
        const bytes = Buffer.from(sent.map(({ text }) => text).join(''), 'latin1');
        const read: { status: number; isLast: boolean }[] = [];
        const reader = new AnswerReader((head) => read.push(head));
        const piece = Buffer.alloc(70);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = Math.min(sizes[turn % sizes.length] as number, bytes.length - at);
          bytes.copy(piece, 0, at, at + size);
          reader.read(piece.subarray(0, size));
          at += size;
        }
        assert.deepEqual(
          read,
          sent.map(({ status, isLast }) => ({ status, isLast })),
        );
      },
    ),
  );
});
