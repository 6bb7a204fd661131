// A peer over its Unix socket: what its answers to a hand-over mean, and what its silence means.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock, type Clock } from '../../src/clock.ts';
import { Peer } from '../../src/gateways/peer.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { chargeNumber, PATIENCE_MS } from './rude-fixture.ts';
import { answering, endingWith, RudeServer } from './rude-server.ts';

const { correlationId: ID } = chargeNumber(1);

async function meetPeer(
  context: TestContext,
  clock: Clock = systemClock,
): Promise<{ server: RudeServer; peer: Peer }> {
  const directory = makeTempDirectory();
  const path = join(directory, 'peer.sock');
  const server = await RudeServer.start(path);
  const peer = new Peer({ socketPath: path }, clock, '?instance=1&instances=2');
  context.after(async () => {
    await peer.close();
    await server.close();
    removeTempDirectory(directory);
  });
  return { server, peer };
}

test('only a 202 is an acceptance, only a 409 a conflict; for the rest the peer is away', async (context) => {
  const { server, peer } = await meetPeer(context);
  for (const status of [200, 201, 202, 301, 400, 404, 409, 422, 500, 502, 503]) {
    server.behave = answering(status);
    const expected = status === 202 ? 'accepted' : status === 409 ? 'conflict' : 'away';
    assert.equal(await peer.offer(ID, 1990, PATIENCE_MS), expected, String(status));
  }
  server.behave = endingWith('');
  assert.equal(await peer.offer(ID, 1990, PATIENCE_MS), 'away');
  const [first] = server.seen;
  assert.equal(`${first?.method} ${first?.path}`, 'POST /internal/payments?instance=1&instances=2');
  assert.equal(first?.body, `{"correlationId":"${ID}","amount":19.90}`);
});

test('a payment in doubt is handed over with a query that an earlier version refuses', async (context) => {
  const { server, peer } = await meetPeer(context);
  server.behave = answering(421);
  assert.equal(await peer.offer(ID, 1990, PATIENCE_MS, true), 'away');
  assert.equal(server.seen[0]?.path, '/internal/payments?instance=1&instances=2&in-doubt');
});

test('a socket without a listener is a peer that is away', async (context) => {
  const peer = new Peer({ socketPath: '/nowhere/at/all.sock' }, systemClock);
  context.after(() => peer.close());
  assert.equal(await peer.offer(ID, 1990, PATIENCE_MS), 'away');
  assert.equal(await peer.holdStill('1', PATIENCE_MS), false);
  assert.equal(await peer.freeze('1', PATIENCE_MS), false);
  assert.equal(await peer.forget('1', PATIENCE_MS), false);
  assert.equal(await peer.flush(PATIENCE_MS), 'it does not answer');
});

test('a peer that hangs is away at the deadline, and a flush is over then', async (context) => {
  const clock = new VirtualClock();
  const { server, peer } = await meetPeer(context, clock);
  const offered = peer.offer(ID, 1990, 500);
  const flushed = peer.flush(500);
  await waitUntil('both are read', () => server.seen.length === 2);
  await clock.advance(500);
  assert.equal(await offered, 'away');
  assert.equal(await flushed, 'it does not answer');
  assert.equal(clock.timers, 0);
});

test('a peer has taken a step of a purge only when it answers so', async (context) => {
  const { server, peer } = await meetPeer(context);
  for (const status of [200, 204, 404, 503]) {
    server.behave = answering(status, status === 204 ? '' : '{}');
    assert.equal(await peer.holdStill('123', PATIENCE_MS), status === 200, String(status));
    assert.equal(await peer.freeze('123', PATIENCE_MS), status === 200, String(status));
    assert.equal(await peer.forget('123', PATIENCE_MS), status === 200, String(status));
  }
  const paths = server.seen.slice(0, 3).map(({ path }) => path);
  assert.deepEqual(
    paths,
    ['hold-still', 'freeze', 'forget'].map(
      (word) => `/internal/${word}?instance=1&instances=2&purge=123`,
    ),
  );
});

test('only a 202 says that all is recorded; anything else is a reason against it', async (context) => {
  const { server, peer } = await meetPeer(context);
  const reasons: readonly (readonly [number, string, string | undefined])[] = [
    [202, '', undefined],
    [503, '{"error":"unavailable","reason":"not yet"}', 'not yet'],
    [503, 'no JSON', 'it can not say what is recorded'],
    [503, '{"reason":5}', 'it can not say what is recorded'],
    [404, '{"error":"not found"}', 'it can not say what is recorded'],
    [200, '{}', 'it can not say what is recorded'],
  ];
  for (const [status, body, reason] of reasons) {
    server.behave = answering(status, body);
    assert.equal(await peer.flush(PATIENCE_MS), reason, `${status} ${body}`);
  }
  server.behave = endingWith('');
  assert.equal(await peer.flush(PATIENCE_MS), 'it does not answer');
});

test('a peer that answers something else than this program does not answer', async (context) => {
  const { server, peer } = await meetPeer(context);
  for (const body of ['garbage', '', 'null', '[]', '5', '"text"', '{"payments":', '{}']) {
    server.behave = answering(200, body);
    assert.equal(await peer.held('limit=1', PATIENCE_MS), undefined, body);
    assert.equal(await peer.payment(ID, PATIENCE_MS), 'unknown', body);
    if (body !== '{}') assert.equal(await peer.identity(PATIENCE_MS), undefined, body);
  }
  for (const body of ['{"payments":[]}', '{"payments":{},"counts":{}}', '{"counts":{}}']) {
    server.behave = answering(200, body);
    assert.equal(await peer.held('limit=1', PATIENCE_MS), undefined, body);
  }
  server.behave = answering(200, '{"payments":[],"counts":{"queued":0}}');
  assert.deepEqual(await peer.held('limit=1', PATIENCE_MS), {
    payments: [],
    counts: { queued: 0 },
  });
});
