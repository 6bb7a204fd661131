// The dispatcher starts the oldest payment first, a bounded number at once and a bounded number per
// turn, and none while it is paused. Each choice of a processor sees the attempts before it.

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { ProcessorIndex } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { makeDispatcher, numbers, turns } from './made-dispatcher.ts';

test('nothing is sent before the start', async () => {
  const { dispatcher, waiting, attempts } = makeDispatcher();
  waiting.push(...numbers(5));
  dispatcher.wake();
  await turns(5);
  assert.equal(attempts.length, 0);
  dispatcher.start();
  await turns(5);
  assert.equal(attempts.length, 5);
});

test('oldest first, and to the processor that was chosen for it', async () => {
  const { dispatcher, waiting, attempts } = makeDispatcher({
    choose: (slot) => (slot % 2) as ProcessorIndex,
  });
  waiting.push(...numbers(9));
  dispatcher.start();
  await turns(10);
  assert.deepEqual(
    attempts.map(({ slot, processor }) => [slot, processor]),
    numbers(9).map((slot) => [slot, slot % 2]),
  );
});

test('a turn starts no more attempts than it may, however often it is woken up', async () => {
  for (const gatherMs of [0, 10]) {
    const { dispatcher, clock, waiting, attempts } = makeDispatcher({
      consumers: 100,
      sendsPerTurn: 4,
      gatherMs,
    });
    waiting.push(...numbers(50));
    dispatcher.start();
    await clock.advance(gatherMs / 2);
    let before = attempts.length;
    while (attempts.length < 50) {
      dispatcher.wake();
      dispatcher.wake();
      await turn();
      assert.ok(attempts.length - before <= 4, `${attempts.length - before} in one turn`);
      before = attempts.length;
    }
  }
});

test('each choice is made after the attempts before it have begun', async () => {
  const seen: number[] = [];
  const { dispatcher, waiting, attempts } = makeDispatcher({
    choose: () => {
      seen.push(attempts.length);
      return 0;
    },
  });
  waiting.push(...numbers(10));
  dispatcher.start();
  await turns(10);
  assert.deepEqual(seen, numbers(10));
});

test('there are no more attempts at once than consumers; when one ends, the next begins', async () => {
  const { dispatcher, waiting, attempts, slots } = makeDispatcher({ consumers: 3 });
  waiting.push(...numbers(5));
  dispatcher.start();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2]);
  assert.equal(dispatcher.busy, 3);
  attempts[1]?.end();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2, 3]);
  attempts[0]?.end();
  attempts[2]?.end();
  attempts[3]?.end();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2, 3, 4]);
  assert.equal(dispatcher.busy, 1);
});

test('a pause lets what is under way end and begins nothing; a start goes on', async () => {
  const { dispatcher, waiting, attempts, slots } = makeDispatcher({ consumers: 2 });
  waiting.push(...numbers(4));
  dispatcher.start();
  await turns(5);
  dispatcher.pause();
  for (const { end } of attempts) end();
  waiting.push(4);
  dispatcher.wake();
  await turns(5);
  assert.deepEqual(slots(), [0, 1]);
  assert.equal(dispatcher.busy, 0);
  dispatcher.start();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2, 3]);
});

test('a pause stops a look that is planned, one that comes later, and a drain', async () => {
  let choice: 'wait' | ProcessorIndex = 0;
  const { dispatcher, clock, waiting, slots } = makeDispatcher({
    sendsPerTurn: 1,
    choose: () => choice,
  });
  dispatcher.start();
  waiting.push(...numbers(4));
  dispatcher.wake();
  dispatcher.pause();
  await turns(3);
  assert.deepEqual(slots(), [], 'a look was planned');
  dispatcher.start();
  await turn();
  dispatcher.pause();
  await turns(3);
  assert.deepEqual(slots(), [0], 'a turn was full');
  choice = 'wait';
  dispatcher.start();
  await turns(2);
  dispatcher.pause();
  choice = 0;
  await clock.advance(100);
  assert.deepEqual(slots(), [0], 'no processor was worth it');
});

test('an attempt by order ends, and what was queued meanwhile goes', async () => {
  const { dispatcher, waiting, attempts, slots } = makeDispatcher();
  dispatcher.start();
  const sent = dispatcher.sendNow(7, 1);
  waiting.push(8);
  await turns(2);
  assert.deepEqual(slots(), [7]);
  assert.equal(dispatcher.busy, 1);
  attempts[0]?.end();
  await sent;
  await turns(2);
  assert.deepEqual(slots(), [7, 8]);
});

test('while the choice is to wait, the dispatcher looks again by itself', async () => {
  let choice: 'wait' | ProcessorIndex = 'wait';
  let looks = 0;
  const { dispatcher, clock, waiting, attempts } = makeDispatcher({
    choose: () => {
      looks++;
      return choice;
    },
  });
  waiting.push(1);
  dispatcher.start();
  await clock.advance(1_000);
  assert.equal(attempts.length, 0);
  // Not all the time, either.
  assert.ok(looks > 10 && looks < 100, `${looks} looks in a second`);
  for (let n = 0; n < 10; n++) {
    dispatcher.wake();
    await turn();
  }
  assert.equal(clock.timers, 1);
  choice = 1;
  await clock.advance(50);
  assert.equal(attempts[0]?.processor, 1);
});

test('what is held back goes when the sending rate allows it', async () => {
  let allowed = 2;
  const sendingRate = { take: () => allowed-- > 0, waitMs: 5 };
  const { dispatcher, clock, waiting, slots } = makeDispatcher({ sendingRate });
  waiting.push(...numbers(4));
  dispatcher.start();
  await turns(3);
  assert.deepEqual(slots(), [0, 1]);
  allowed = 1;
  await clock.advance(5);
  assert.deepEqual(slots(), [0, 1, 2]);
  assert.deepEqual(waiting, [3]);
});

test('in random runs every payment is started once, in order, and never more at once than there are consumers', async () => {
  const random = new Random();
  for (let round = 0; round < 20; round++) {
    const consumers = 1 + random.below(8);
    const { dispatcher, clock, waiting, attempts, slots } = makeDispatcher({
      consumers,
      sendsPerTurn: 1 + random.below(5),
      gatherMs: random.below(2) * random.below(50),
      choose: () => (random.chance(0.2) ? 'wait' : 0),
      sendingRate: { take: () => random.chance(0.8), waitMs: 3 },
    });
    let [next, ended] = [0, 0];
    dispatcher.start();
    while (ended < 100) {
      if (next < 100 && random.chance(0.6)) {
        waiting.push(next++);
        dispatcher.wake();
      }
      if (ended < attempts.length && random.chance(0.5)) attempts[ended++]?.end();
      if (random.chance(0.1)) {
        dispatcher.pause();
        dispatcher.start();
      }
      await clock.advance(random.below(10));
      assert.ok(attempts.length - ended <= consumers, AGAIN);
    }
    await turns(2);
    assert.deepEqual(slots(), numbers(100), AGAIN);
    assert.equal(dispatcher.busy, 0, AGAIN);
  }
});
