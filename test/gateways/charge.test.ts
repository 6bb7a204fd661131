// A charge at a server that misbehaves: each fault has the outcome that it proves, and no other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { HttpProcessor } from '../../src/gateways/processor.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { freePort } from '../world/free-port.ts';
import { waitUntil } from '../world/wait-until.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS } from './rude-fixture.ts';
import { answering, endingWith, resetting, saying, type Behaviour } from './rude-server.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CLOSES = 'connection: close\r\n';

const FAULTS: readonly (readonly [string, Behaviour, Outcome])[] = [
  ['a reset after the request was read', resetting, 'unknown'],
  ['an end after the request was read', endingWith(''), 'unknown'],
  ['half a status line', endingWith('HTTP/1.1 2'), 'unknown'],
  ['a head without its end', endingWith(`${OK}content-length: 2\r\n`), 'unknown'],
  ['half a body', endingWith(`${OK}content-length: 100\r\n\r\n{"message"`), 'unknown'],
  [
    'half a body, announced as the last',
    endingWith(`${OK}${CLOSES}content-length: 9\r\n\r\n{`),
    'unknown',
  ],
  [
    'a chunked body without its end',
    endingWith(`${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`),
    'unknown',
  ],
  ['half of a refusal', endingWith('HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\n{'), 'unknown'],
  ['no HTTP at all', saying('SSH-2.0-OpenSSH_9.2\r\n'), 'unknown'],
  ['nonsense bytes', saying(Buffer.from([0, 255, 13, 10, 13, 10, 7])), 'unknown'],
  [
    'two different lengths',
    saying(`${OK}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`),
    'unknown',
  ],
  [
    'a head of a million bytes',
    saying(`${OK}${`x-long: ${'y'.repeat(1000)}\r\n`.repeat(1000)}`),
    'unknown',
  ],
  ['a body of a million bytes', answering(200, 'x'.repeat(1_000_000)), 'unknown'],
  [
    'an upgrade',
    saying('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    'unknown',
  ],
  ['a 100 alone, and the end', endingWith('HTTP/1.1 100 Continue\r\n\r\n'), 'unknown'],
  [
    'a hint, then a reset',
    (socket) => socket.write('HTTP/1.1 103 Hints\r\n\r\n', () => socket.resetAndDestroy()),
    'unknown',
  ],
  ['a 204', saying('HTTP/1.1 204 None\r\n\r\n'), 'unknown'],
  ['a gateway that lost the processor', answering(502), 'unknown'],
  ['a redirect', answering(307, '', 'location: /payments\r\n'), 'unknown'],
  ['a 200', answering(200), 'charged'],
  ['a 200 with a body that is no JSON', answering(200, '<html>'), 'charged'],
  [
    'a 200 without a length, until the end',
    endingWith(`${OK}${CLOSES}\r\n{"message":"ok"}`),
    'charged',
  ],
  ['a 200 in HTTP/1.0', endingWith('HTTP/1.0 200 OK\r\n\r\n{}'), 'charged'],
  [
    'a 200 in chunks',
    saying(`${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`),
    'charged',
  ],
  [
    'hints, then a 200',
    saying(`HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 102 Busy\r\n\r\n${OK}content-length: 2\r\n\r\n{}`),
    'charged',
  ],
  ['a 422', answering(422), 'duplicate'],
  ['a 500', answering(500), 'declined'],
  ['a 429', answering(429), 'busy'],
  ['a 400', answering(400), 'refused'],
];

for (const [what, behaviour, outcome] of FAULTS) {
  test(`${what}: ${outcome}, sent once, and the next one is well`, async (context) => {
    const { server, processor } = await meetRudeServer(context);
    server.behave = behaviour;
    assert.equal((await processor.charge(chargeNumber(1), PATIENCE_MS)).outcome, outcome);
    server.behave = answering(200);
    assert.equal((await processor.charge(chargeNumber(2), PATIENCE_MS)).outcome, 'charged');
    assert.equal(server.seen.length, 2);
    assert.equal(server.postsOf(chargeNumber(1).correlationId), 1);
  });
}

const alone = (url: string): HttpProcessor =>
  new HttpProcessor({ url, connections: 5, outcomes: 'contest', clock: systemClock });

test('a refused connection: declined', async (context) => {
  const processor = alone(`http://127.0.0.1:${await freePort()}`);
  context.after(() => processor.close());
  assert.equal((await processor.charge(chargeNumber(1), PATIENCE_MS)).outcome, 'declined');
});

test('a name that does not exist: declined', async (context) => {
  const processor = alone('http://processor.invalid:80');
  context.after(() => processor.close());
  assert.equal((await processor.charge(chargeNumber(1), PATIENCE_MS)).outcome, 'declined');
});

test('a connection that is taken and reset before anything is read is never called charged', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  server.welcome = (socket) => socket.resetAndDestroy();
  for (let n = 0; n < 100; n++) {
    const { outcome } = await processor.charge(chargeNumber(n), PATIENCE_MS);
    assert.ok(outcome === 'unknown' || outcome === 'declined', outcome);
  }
  assert.equal(server.seen.length, 0);
});

test('a closed pool: declined, nothing leaves', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  await processor.close();
  assert.equal((await processor.charge(chargeNumber(1), PATIENCE_MS)).outcome, 'declined');
  assert.equal(server.accepted, 0);
});

test('what is under way when the pool closes stays unknown, what is queued is declined', async (context) => {
  const { server, processor } = await meetRudeServer(context, { connections: 1 });
  const [first, second] = [1, 2].map((n) => processor.charge(chargeNumber(n), PATIENCE_MS));
  await waitUntil('one is read', () => server.seen.length === 1);
  await processor.close();
  assert.equal((await first)?.outcome, 'unknown');
  assert.equal((await second)?.outcome, 'declined');
  assert.equal(server.seen.length, 1);
});

test('a hang is given up at the deadline and not before: no coarser than other timers', async (context) => {
  const { processor } = await meetRudeServer(context);
  const order: string[] = [];
  const late = new Promise<void>((resolve) => {
    setTimeout(() => order.push('100 ms'), 100);
    setTimeout(() => {
      order.push('250 ms');
      resolve();
    }, 250);
  });
  void processor.charge(chargeNumber(1), 200).then(({ outcome }) => order.push(outcome));
  await late;
  assert.deepEqual(order, ['100 ms', 'unknown', '250 ms']);
});

test('an answer that trickles in has the same deadline', async (context) => {
  const clock = new VirtualClock();
  const { server, processor } = await meetRudeServer(context, { clock });
  const begin = saying(`${OK}content-length: 100\r\n\r\n{`);
  let isOpen = true;
  server.behave = (socket, seen) => {
    socket.once('close', () => (isOpen = false));
    begin(socket, seen);
  };
  const outcome = processor.charge(chargeNumber(1), 300);
  await waitUntil('it is read', () => server.seen.length === 1);
  await clock.advance(299);
  assert.equal(clock.timers, 1);
  await clock.advance(1);
  assert.equal((await outcome).outcome, 'unknown');
  await waitUntil('the connection is given up', () => !isOpen);
});

test('a deadline that passes in the queue of the pool: declined, and it never leaves', async (context) => {
  const clock = new VirtualClock();
  const { server, processor } = await meetRudeServer(context, { clock, connections: 1 });
  const first = processor.charge(chargeNumber(1), 2_000);
  await waitUntil('the first is read', () => server.seen.length === 1);
  const queued = [2, 3, 4].map((n) => processor.charge(chargeNumber(n), 1_000));
  await clock.advance(1_000);
  const outcomes = (await Promise.all(queued)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ['declined', 'declined', 'declined']);
  server.behave = answering(200);
  await clock.advance(1_000);
  assert.equal((await first)?.outcome, 'unknown');
  assert.equal((await processor.charge(chargeNumber(5), 1_000)).outcome, 'charged');
  assert.deepEqual(
    server.seen.map(({ id }) => id),
    [1, 5].map((n) => chargeNumber(n).correlationId),
  );
  // The first call's connection went with it; the queued calls cost none.
  assert.equal(server.accepted, 2);
});

test('a deadline leaves no timer behind', async (context) => {
  const clock = new VirtualClock();
  const { server, processor } = await meetRudeServer(context, { clock });
  server.behave = answering(200);
  for (let n = 0; n < 20; n++) await processor.charge(chargeNumber(n), 5_000);
  assert.equal(clock.timers, 0);
});

test('the request is exactly what the contract says', async (context) => {
  const { server, processor } = await meetRudeServer(context, { address: (url) => `${url}/base/` });
  server.behave = answering(200);
  const requestedAtMs = Date.UTC(2025, 6, 15, 12, 34, 56, 7);
  for (const amountCents of [1, 10, 1990, 2005, 100_000, 9_999_999_999_999]) {
    await processor.charge(
      { ...chargeNumber(amountCents), amountCents, requestedAtMs },
      PATIENCE_MS,
    );
  }
  const id = chargeNumber(1).correlationId;
  const [first] = server.seen;
  assert.ok(first);
  assert.equal(first.method, 'POST');
  assert.equal(first.path, '/base/payments');
  assert.equal(first.headers['content-type'], 'application/json');
  assert.equal(first.headers['content-length'], String(first.body.length));
  assert.equal(
    first.body,
    `{"correlationId":"${id}","amount":0.01,"requestedAt":"2025-07-15T12:34:56.007Z"}`,
  );
  assert.deepEqual(
    server.seen.map(({ body }) => /"amount":([^,]*)/.exec(body)?.[1]),
    ['0.01', '0.10', '19.90', '20.05', '1000.00', '99999999999.99'],
  );
});

test('no more connections than allowed, whatever is queued', async (context) => {
  const { server, processor } = await meetRudeServer(context, { connections: 7 });
  server.behave = (socket, seen) => setImmediate(() => answering(200)(socket, seen));
  const charges = Array.from({ length: 300 }, (_, n) =>
    processor.charge(chargeNumber(n), PATIENCE_MS),
  );
  const outcomes = await Promise.all(charges);
  assert.ok(outcomes.every(({ outcome }) => outcome === 'charged'));
  assert.equal(server.openMost, 7);
  assert.equal(server.accepted, 7);
});
