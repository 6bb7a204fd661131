// Each fault does what it says to the client and to the books; a share of the calls is chosen by
// the seed.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, beforeEach, describe, it } from 'node:test';
import type { Fault, FaultKind } from '../../tools/simulator/faults.ts';
import { Levers } from '../../tools/simulator/levers.ts';
import { startSimulator } from '../../tools/simulator/processor-simulator.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Caller, idOf, TIMEOUT_MS } from './caller.ts';

const ID = idOf(1);
const simulator = await startSimulator({ name: 'default', port: 0, feePercent: 5 });
const caller = new Caller(simulator.url);
const levers = new Levers(simulator.url);

beforeEach(async () => {
  await levers.setFault({ kind: 'none' });
  await levers.setDelay(0);
  await levers.setFailing(false);
  await levers.purge();
});

after(async () => {
  caller.close();
  await simulator.close();
});

/** What the books say of one POST that a fault befell. */
async function assertBooks(stored: boolean): Promise<void> {
  await waitUntil('nobody is at work', async () => (await levers.attempts()).busy.atOnce === 0);
  const { posts, faultedAfterInsert } = await levers.attempts();
  assert.deepEqual(
    [posts.received, posts.inserted, posts.faulted, faultedAfterInsert],
    stored ? [1, 1, 0, 1] : [1, 0, 1, 0],
  );
  await levers.setFault({ kind: 'none' });
  assert.equal((await levers.payments()).length, stored ? 1 : 0);
  assert.equal((await caller.charge(ID).reply).status, stored ? 422 : 200);
}

/** Everything that the server sends on a connection that sends `bytes`, until it is closed. */
function rawAnswer(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(simulator.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy();
      reject(new Error('the connection stays open'));
    });
    // A reset is one way of closing.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}

const BODY = `{"correlationId":"${ID}","amount":1,"requestedAt":"2025-07-15T12:00:00.000Z"}`;
const RAW_CHARGE = `POST /payments HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

describe('a connection that breaks', () => {
  const broken: readonly (readonly [FaultKind, boolean])[] = [
    ['refuse-after-read', false],
    ['drop-before-insert', false],
    ['drop-after-insert', true],
    ['cut-answer', true],
    ['nonsense', true],
  ];
  for (const [kind, stored] of broken) {
    it(`${kind}: no answer, and ${stored ? 'stored' : 'nothing stored'}`, async () => {
      await levers.setFault({ kind });
      await levers.setDelay(5);
      await assert.rejects(caller.charge(ID).reply);
      await assertBooks(stored);
    });
  }

  it('cut-answer: half of the promised body', async () => {
    await levers.setFault({ kind: 'cut-answer' });
    const [head = '', body = ''] = (await rawAnswer(RAW_CHARGE)).split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    const promised = Number(/content-length: (\d+)/.exec(head)?.[1]);
    assert.ok(body.length > 0 && body.length < promised);
  });

  it('nonsense: bytes that are not HTTP', async () => {
    await levers.setFault({ kind: 'nonsense' });
    const text = await rawAnswer(RAW_CHARGE);
    assert.ok(text.length > 0 && !text.startsWith('HTTP'));
  });

  it('close-idle: a whole answer, no word of closing, and the connection ends', async () => {
    await levers.setFault({ kind: 'close-idle' });
    const text = await rawAnswer(RAW_CHARGE);
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(text, /connection|keep-alive/i);
    assert.match(text, /\r\n\r\n\{"message":"payment processed successfully"\}$/);
    await assertBooks(true);
  });

  it('close-on-reuse: answers, and resets the connection under the next request, unread', async () => {
    const single = new Caller(simulator.url, 1);
    await levers.setFault({ kind: 'close-on-reuse' });
    assert.equal((await single.charge(ID).reply).status, 200);
    const next = single.charge(idOf(2));
    await assert.rejects(next.reply);
    assert.ok(next.request.reusedSocket);
    await assertBooks(true);
    single.close();
  });
});

describe('a call that never ends', () => {
  for (const [kind, stored] of [
    ['hang', false],
    ['hang-after-insert', true],
  ] as const) {
    it(`${kind}: no answer, and ${stored ? 'stored' : 'nothing stored'}`, async () => {
      await levers.setFault({ kind });
      const call = caller.charge(ID);
      await waitUntil('it is dealt with', async () => {
        const { posts } = await levers.attempts();
        return posts.faulted + posts.inserted === 1;
      });
      assert.equal(call.request.destroyed, false);
      assert.equal((await levers.attempts()).busy.atOnce, 1, 'it keeps its place');
      call.request.destroy();
      await assert.rejects(call.reply);
      await assertBooks(stored);
    });
  }
});

describe('an answer that means nothing', () => {
  it('redirect: 302 to a place that answers 200, and nothing stored', async () => {
    await levers.setFault({ kind: 'redirect' });
    const { status, headers } = await caller.charge(ID).reply;
    assert.equal(status, 302);
    assert.equal((await caller.call('GET', headers.location ?? '').reply).status, 200);
    await assertBooks(false);
  });

  for (const status of [201, 204, 404, 502]) {
    it(`status: ${status}, and nothing stored`, async () => {
      await levers.setFault({ kind: 'status', status });
      assert.equal((await caller.charge(ID).reply).status, status);
      await assertBooks(false);
    });
  }

  it('status-after-insert: the status, and stored', async () => {
    await levers.setFault({ kind: 'status-after-insert', status: 500 });
    assert.equal((await caller.charge(ID).reply).status, 500);
    await assertBooks(true);
  });
});

describe('a fault', () => {
  it('spoils the answer to a duplicate too, and leaves a failure a failure', async () => {
    await caller.charge(ID).reply;
    await levers.setFault({ kind: 'drop-after-insert' });
    await assert.rejects(caller.charge(ID, '5').reply);
    await levers.setFailing(true);
    assert.equal((await caller.charge(idOf(2)).reply).status, 500);
    const { posts, faultedAfterInsert } = await levers.attempts();
    assert.deepEqual([posts.duplicate, posts.failed, faultedAfterInsert], [1, 1, 1]);
    assert.equal((await levers.payments())[0]?.amountCents, 1990);
  });

  it('comes after the delay: a give-up meanwhile changes nothing', async () => {
    await levers.setFault({ kind: 'drop-after-insert' });
    await levers.setDelay(30);
    const call = caller.charge(ID);
    await waitUntil('it sleeps', async () => (await levers.attempts()).busy.atOnce === 1);
    call.request.destroy();
    await assertBooks(true);
  });

  it('spares lookups unless it is told not to', async () => {
    await caller.charge(ID).reply;
    await levers.setFault({ kind: 'status', status: 502 });
    assert.equal((await caller.lookUp(ID).reply).status, 200);
    await levers.setFault({ kind: 'status', status: 502, lookups: true });
    assert.equal((await caller.lookUp(ID).reply).status, 502);
    await levers.setFault({ kind: 'cut-answer', lookups: true });
    await assert.rejects(caller.lookUp(ID).reply);
    await assert.rejects(caller.lookUp(idOf(2)).reply);
    const { lookups } = await levers.attempts();
    assert.deepEqual([lookups.received, lookups.found, lookups.faulted], [4, 1, 3]);
  });

  it('befalls its share of the calls, the same ones for the same seed', async () => {
    const befallen = async (fault: Partial<Fault>): Promise<string> => {
      await levers.purge();
      await levers.setFault({ kind: 'status', share: 0.25, ...fault });
      let pattern = '';
      for (let number = 1; number <= 200; number++) {
        // oxlint-disable-next-line no-await-in-loop
        pattern += (await caller.charge(idOf(number)).reply).status === 502 ? 'x' : '-';
      }
      return pattern;
    };
    const first = await befallen({ seed: 7 });
    assert.equal(await befallen({ seed: 7 }), first);
    assert.notEqual(await befallen({ seed: 8 }), first);
    assert.doesNotMatch(await befallen({ share: 0 }), /x/);
    const count = first.split('x').length - 1;
    assert.ok(count > 30 && count < 70, `${count} of 200 at a share of a quarter`);
    assert.deepEqual(await levers.fault(), {
      kind: 'status',
      share: 0,
      seed: 1,
      status: 502,
      lookups: false,
      amountCents: 0,
    });
  });
});
