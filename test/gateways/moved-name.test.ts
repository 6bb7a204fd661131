// A processor's name moves to another address while its connections are busy: what comes later goes
// there within seconds, and what is under way at the old address is answered by it. No payment is
// lost or sent twice.

import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test, type TestContext } from 'node:test';
import { HttpProcessor } from '../../src/gateways/processor.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { waitUntil } from '../world/wait-until.ts';
import { chargeNumber, PATIENCE_MS } from './rude-fixture.ts';
import { answering, RudeServer, type Behaviour } from './rude-server.ts';

const OLD = '127.0.0.1';
const NEW = '127.0.0.2';
const CONNECTIONS = 8;
/** How old an answer of the resolver may get. */
const FRESH_MS = 5_000;

async function meetName(context: TestContext, connections = CONNECTIONS) {
  const first = await RudeServer.start({ host: OLD });
  const second = await RudeServer.start({ host: NEW, port: Number(new URL(first.url).port) });
  const clock = new VirtualClock();
  const known: { addresses: string[] | Error; questions: number } = {
    addresses: [OLD],
    questions: 0,
  };
  const processor = new HttpProcessor({
    url: first.url.replace(OLD, 'processor.test'),
    connections,
    outcomes: 'strict',
    clock,
    resolve: (name, done) => {
      assert.equal(name, 'processor.test');
      known.questions++;
      const { addresses } = known;
      const found = Array.isArray(addresses) ? addresses : [];
      const list = found.map((address): LookupAddress => ({ address, family: 4 }));
      setImmediate(() => done(Array.isArray(addresses) ? null : addresses, list));
    },
  });
  context.after(async () => {
    await processor.close();
    await Promise.all([first.close(), second.close()]);
  });
  return { first, second, clock, known, processor };
}

/** After some turns of the event loop, so that calls overlap. */
const answeringLater: Behaviour = (socket, seen) => {
  setTimeout(() => answering(200)(socket, seen), 2);
};

test('a name that moves under load is followed, and each payment is sent once', async (context) => {
  const { first, second, clock, known, processor } = await meetName(context);
  first.behave = answeringLater;
  second.behave = answeringLater;
  let sent = 0;
  const over = new AbortController();
  const outcomes: string[] = [];
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      outcomes.push((await processor.charge(chargeNumber(sent++), PATIENCE_MS)).outcome);
    }
  };
  // More than there are connections: some wait in the pool while the name moves.
  const load = Promise.all(Array.from({ length: 3 * CONNECTIONS }, run));
  await waitUntil('the old address is busy', () => first.seen.length > 100);
  known.addresses = [NEW];
  const seenBefore = first.seen.length;
  await waitUntil('it goes on', () => first.seen.length > seenBefore + 100);
  assert.equal(second.seen.length, 0, 'the answer is fresh');
  await clock.advance(FRESH_MS);
  await waitUntil('the new address is busy', () => second.seen.length > 100);
  await waitUntil('the old one has no connection left', () => first.open === 0);
  const seenAtOld = first.seen.length;
  await waitUntil('it goes on', () => second.seen.length > 300);
  over.abort();
  await load;
  assert.equal(first.seen.length, seenAtOld);
  assert.equal(outcomes.length, sent);
  assert.ok(outcomes.every((outcome) => outcome === 'charged'));
  const ids = [...first.seen, ...second.seen].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, sent);
  assert.ok(known.questions <= 4, `${known.questions} questions`);
});

test('what is under way at the old address is answered by it, however long that takes', async (context) => {
  const { first, second, clock, known, processor } = await meetName(context);
  const answers: (() => void)[] = [];
  first.behave = (socket, seen) => answers.push(() => answering(200)(socket, seen));
  second.behave = answering(200);
  const slow = processor.charge(chargeNumber(1), PATIENCE_MS);
  await waitUntil('it is read', () => first.seen.length === 1);
  known.addresses = [NEW];
  await clock.advance(FRESH_MS);
  // The one for which the name is asked for again goes where the last answer said.
  const last = processor.charge(chargeNumber(2), PATIENCE_MS);
  await waitUntil('it is read', () => first.seen.length === 2);
  assert.equal((await processor.charge(chargeNumber(3), PATIENCE_MS)).outcome, 'charged');
  assert.equal(second.seen.length, 1);
  assert.equal(first.open, 2);
  for (const answer of answers) answer();
  assert.equal((await slow).outcome, 'charged');
  assert.equal((await last).outcome, 'charged');
  await waitUntil('the old one has no connection left', () => first.open === 0);
  assert.equal(first.seen.length, 2);
});

test('an address that is still among the answers, or a name that is not found, moves nothing', async (context) => {
  const { first, second, clock, known, processor } = await meetName(context, 1);
  first.behave = answering(200);
  for (const addresses of [[OLD], [OLD, NEW], [NEW, OLD], new Error('not found'), []]) {
    known.addresses = addresses;
    await clock.advance(FRESH_MS);
    for (let n = 0; n < 5; n++) {
      assert.equal((await processor.charge(chargeNumber(n), PATIENCE_MS)).outcome, 'charged');
    }
  }
  assert.equal(second.accepted, 0);
  assert.equal(first.accepted, 1);
  assert.equal(known.questions, 5, 'asked for once in a while, also when it is not found');
});
