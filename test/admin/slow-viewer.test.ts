// A viewer of the stream that doesn't read is dropped: the server buffers one event for it. The
// others go on. Whatever the kernel buffers, a viewer that is gone keeps no place from others.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { AdminEvents } from '../../src/api/admin-events.ts';
import { systemClock } from '../../src/clock.ts';
import type { SystemSnapshot } from '../../src/snapshot/system-snapshot.ts';
import { waitUntil } from '../world/wait-until.ts';

/** Far more than the kernel keeps for a connection. */
const EVENT = JSON.stringify({ filler: 'x'.repeat(4 * 1024 * 1024) });
const VIEWERS_MAX = 20;
const systemOf = (event: string): SystemSnapshot =>
  ({
    whole: () => Promise.resolve(event),
    take: () => Promise.resolve(event),
  }) as unknown as SystemSnapshot;
/** Fifty times as fast. */
const clock = {
  ...systemClock,
  after: (delayMs: number, run: () => void) => systemClock.after(delayMs / 50, run),
};
/** Of those that a test moves itself. */
let nextRound: (() => void) | undefined;
const stillClock = {
  ...systemClock,
  after: (_: number, run: () => void) => {
    nextRound = run;
    return { cancel: () => {} };
  },
};

let server: Server;
const sockets: Socket[] = [];
let closed = 0;

before(async () => {
  const streams: Readonly<Record<string, AdminEvents>> = {
    '/large': new AdminEvents(systemOf(EVENT), clock),
    '/small': new AdminEvents(systemOf('{}'), clock),
    '/by-hand': new AdminEvents(systemOf(EVENT), stillClock),
  };
  server = createServer((request, response) => {
    response.once('close', () => closed++);
    const refusal = streams[request.url ?? '']?.open(response);
    if (refusal !== undefined) response.writeHead(refusal.status).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

function open(path: string): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return socket;
}

/** Of one more viewer, which reads. */
function statusOfNext(path: string): Promise<number> {
  return new Promise((resolve) => {
    open(path).once('data', (chunk: Buffer) => resolve(Number(chunk.toString('latin1', 9, 12))));
  });
}

test('who does not read is dropped, who reads is not', async () => {
  closed = 0;
  const reader = open('/large');
  let bytes = 0;
  reader.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  open('/large').pause();
  await waitUntil('one is dropped', () => closed === 1);
  const earlier = bytes;
  await waitUntil('the other one gets more', () => bytes > earlier + 2 * EVENT.length);
  assert.equal(closed, 1);
});

test('viewers that do not read, and whose events the kernel takes, lose their places all the same', async () => {
  for (let n = 0; n < VIEWERS_MAX; n++) open('/small').pause();
  await waitUntil('all places are taken', async () => (await statusOfNext('/small')) === 503);
  await waitUntil('there is room again', async () => (await statusOfNext('/small')) === 200);
});

test('a viewer that has been stuck the longest makes room for a new one', async () => {
  for (let n = 0; n < VIEWERS_MAX; n++) open('/by-hand').pause();
  await waitUntil('all places are taken', async () => (await statusOfNext('/by-hand')) === 503);
  await waitUntil('a round passes', () => {
    const round = nextRound;
    nextRound = undefined;
    round?.();
    return round !== undefined;
  });
  await waitUntil('there is room', async () => (await statusOfNext('/by-hand')) === 200);
});
