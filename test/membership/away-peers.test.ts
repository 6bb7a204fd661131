// An instance that doesn't answer the others is logged after a second, and when it answers again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AwayPeers } from '../../src/membership/away-peers.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const IDENTITY = { instance: 1, instances: 3, ledgerId: '', isPlaced: true };

function make() {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = (event: string, { peer }: Readonly<Record<string, unknown>> = {}): void => {
    lines.push(`${event}: ${String(peer)}`);
  };
  return { clock, lines, peers: new AwayPeers(clock, { info: log, warn: log, error: log }) };
}

test('one question without an answer is in the metrics, and not in the log', async () => {
  const { clock, lines, peers } = make();
  peers.asked(1, IDENTITY);
  peers.asked(2, IDENTITY);
  await clock.advance(2_000);
  peers.asked(1, undefined);
  assert.deepEqual(peers.answers, [
    [1, false],
    [2, true],
  ]);
  assert.equal(peers.isAnyAway, true);
  await clock.advance(900);
  peers.asked(1, IDENTITY);
  assert.equal(peers.isAnyAway, false);
  assert.deepEqual(lines, []);
});

test('an absence is logged when it begins, each minute, and when it ends', async () => {
  const { clock, lines, peers } = make();
  for (let second = 0; second < 65; second++) {
    peers.asked(1, undefined);
    await clock.advance(1_000);
  }
  assert.deepEqual(lines, ['instance does not answer: 1', 'instance does not answer: 1']);
  peers.asked(1, IDENTITY);
  peers.asked(1, IDENTITY);
  assert.deepEqual(lines.slice(2), ['instance answers again: 1']);
});

test('a peer that refuses the secret is not logged as one that is away', async () => {
  const { clock, lines, peers } = make();
  for (const answer of [undefined, 'refused'] as const) {
    for (let second = 0; second < 3; second++) {
      peers.asked(1, answer);
      await clock.advance(1_000);
    }
  }
  assert.deepEqual(peers.answers, [[1, false]]);
  peers.asked(1, IDENTITY);
  assert.deepEqual(lines, [
    'instance does not answer: 1',
    'instance refuses PEER_SECRET: 1',
    'instance answers again: 1',
  ]);
});
