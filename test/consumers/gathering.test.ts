// With SENDS_GATHER_MS a payment waits for others to be sent with, for a bounded time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessorIndex } from '../../src/payment.ts';
import { makeDispatcher, numbers, turns } from './made-dispatcher.ts';

test('a payment waits for others for as long as it may, and no longer', async () => {
  const { dispatcher, clock, waiting, slots } = makeDispatcher({ gatherMs: 10 });
  dispatcher.start();
  await clock.advance(10);
  waiting.push(1);
  dispatcher.wake();
  await clock.advance(4);
  waiting.push(2);
  dispatcher.wake();
  await clock.advance(5);
  assert.deepEqual(slots(), []);
  await clock.advance(1);
  assert.deepEqual(slots(), [1, 2]);
});

test('one that comes after half of that time takes the others with it', async () => {
  const { dispatcher, clock, waiting, slots } = makeDispatcher({ gatherMs: 10 });
  dispatcher.start();
  waiting.push(1);
  dispatcher.wake();
  await clock.advance(5);
  assert.deepEqual(slots(), []);
  waiting.push(2);
  dispatcher.wake();
  await turns(2);
  assert.deepEqual(slots(), [1, 2]);
  assert.equal(clock.timers, 0);
});

test('the next ones wait for others again', async () => {
  const { dispatcher, clock, waiting, slots } = makeDispatcher({ gatherMs: 10 });
  dispatcher.start();
  for (const slot of [1, 2]) {
    waiting.push(slot);
    dispatcher.wake();
    await clock.advance(5);
  }
  assert.deepEqual(slots(), [1, 2]);
  waiting.push(3);
  dispatcher.wake();
  await clock.advance(9);
  assert.deepEqual(slots(), [1, 2]);
  await clock.advance(1);
  assert.deepEqual(slots(), [1, 2, 3]);
});

test('nothing is awaited while no payment waits', async () => {
  const { dispatcher, clock, waiting, attempts } = makeDispatcher({ gatherMs: 10 });
  dispatcher.start();
  assert.equal(clock.timers, 0);
  waiting.push(1);
  dispatcher.wake();
  await clock.advance(10);
  attempts[0]?.end();
  await turns(2);
  assert.equal(dispatcher.busy, 0);
  assert.equal(clock.timers, 0);
});

test('a backlog goes on without gathering: after a full turn, an end, an allowance', async () => {
  let choice: 'wait' | ProcessorIndex = 0;
  let allowed = 100;
  const { dispatcher, clock, waiting, attempts, slots } = makeDispatcher({
    consumers: 6,
    sendsPerTurn: 4,
    gatherMs: 10,
    choose: () => choice,
    sendingRate: { take: () => allowed-- > 0, waitMs: 5 },
  });
  dispatcher.start();
  waiting.push(...numbers(12));
  dispatcher.wake();
  await clock.advance(10);
  await turns(3);
  assert.deepEqual(slots(), numbers(6), 'all consumers have one');
  attempts[0]?.end();
  await turns(3);
  assert.deepEqual(slots(), numbers(7), 'the one that is free took the next');
  choice = 'wait';
  attempts[1]?.end();
  await turns(3);
  choice = 0;
  attempts[2]?.end();
  await turns(3);
  assert.deepEqual(slots(), numbers(9), 'a processor has room again');
  allowed = 0;
  attempts[3]?.end();
  await turns(3);
  allowed = 1;
  await clock.advance(20);
  assert.deepEqual(slots(), numbers(10), 'the sending rate allows one');
});

test('a look that comes with a payment takes the place of the one that was awaited', async () => {
  const { dispatcher, clock, waiting } = makeDispatcher({ gatherMs: 10 });
  dispatcher.start();
  waiting.push(1);
  dispatcher.wake();
  await clock.advance(5);
  assert.equal(clock.timers, 1);
  dispatcher.wake();
  assert.equal(clock.timers, 0);
});
