// The crew: oldest first, so many at once, so many a turn, none while it pauses, and each choice sees what the one before it began.

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { Crew, type CrewParts } from '../../src/consumers/crew.ts';
import type { ProcessorIndex } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

interface Attempted {
  readonly slot: number;
  readonly processor: ProcessorIndex;
  readonly end: () => void;
}

function makeCrew(parts: Partial<CrewParts> = {}) {
  const clock = new VirtualClock();
  const waiting: number[] = [];
  const attempts: Attempted[] = [];
  const crew = new Crew({
    clock,
    consumers: 10,
    sendsPerTurn: 4,
    gatherMs: 0,
    queue: { peek: () => waiting[0] ?? -1 },
    take: () => waiting.shift() ?? -1,
    pace: { take: () => true, late: () => {}, waitMs: 0 },
    choose: () => 0,
    attempt: (slot, processor) =>
      new Promise((end) => {
        attempts.push({ slot, processor, end });
      }),
    ...parts,
  });
  return { crew, clock, waiting, attempts, slots: () => attempts.map(({ slot }) => slot) };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await turn();
}

test('nothing is sent before the start', async () => {
  const { crew, waiting, attempts } = makeCrew();
  waiting.push(...numbers(5));
  crew.wake();
  await turns(5);
  assert.equal(attempts.length, 0);
  crew.start();
  await turns(5);
  assert.equal(attempts.length, 5);
});

test('oldest first, and to the processor that was chosen for it', async () => {
  const { crew, waiting, attempts } = makeCrew({ choose: (slot) => (slot % 2) as ProcessorIndex });
  waiting.push(...numbers(9));
  crew.start();
  await turns(10);
  assert.deepEqual(
    attempts.map(({ slot, processor }) => [slot, processor]),
    numbers(9).map((slot) => [slot, slot % 2]),
  );
});

test('so many in a turn and no more', async () => {
  const { crew, waiting, attempts } = makeCrew({ consumers: 100, sendsPerTurn: 4 });
  waiting.push(...numbers(50));
  crew.start();
  let before = 0;
  while (attempts.length < 50) {
    await turn();
    assert.ok(attempts.length - before <= 4, `${attempts.length - before} in one turn`);
    before = attempts.length;
  }
});

test('each choice is made after the attempts before it have begun', async () => {
  const seen: number[] = [];
  const { crew, waiting, attempts } = makeCrew({
    choose: () => {
      seen.push(attempts.length);
      return 0;
    },
  });
  waiting.push(...numbers(10));
  crew.start();
  await turns(10);
  assert.deepEqual(seen, numbers(10));
});

test('no more at once than there are consumers; who is done takes the next', async () => {
  const { crew, waiting, attempts, slots } = makeCrew({ consumers: 3 });
  waiting.push(...numbers(5));
  crew.start();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2]);
  assert.equal(crew.busy, 3);
  attempts[1]?.end();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2, 3]);
  attempts[0]?.end();
  attempts[2]?.end();
  attempts[3]?.end();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2, 3, 4]);
  assert.equal(crew.busy, 1);
});

test('a pause lets what is under way end and begins nothing; a start goes on', async () => {
  const { crew, waiting, attempts, slots } = makeCrew({ consumers: 2 });
  waiting.push(...numbers(4));
  crew.start();
  await turns(5);
  crew.pause();
  for (const { end } of attempts) end();
  waiting.push(4);
  crew.wake();
  await turns(5);
  assert.deepEqual(slots(), [0, 1]);
  assert.equal(crew.busy, 0);
  crew.start();
  await turns(5);
  assert.deepEqual(slots(), [0, 1, 2, 3]);
});

test('while no processor is worth it, it looks again by itself', async () => {
  let choice: 'wait' | ProcessorIndex = 'wait';
  let looks = 0;
  const { crew, clock, waiting, attempts } = makeCrew({
    choose: () => {
      looks++;
      return choice;
    },
  });
  waiting.push(1);
  crew.start();
  await clock.advance(1_000);
  assert.equal(attempts.length, 0);
  // Not all the time, either.
  assert.ok(looks > 10 && looks < 100, `${looks} looks in a second`);
  assert.equal(clock.timers, 1);
  choice = 1;
  await clock.advance(50);
  assert.equal(attempts[0]?.processor, 1);
});

test('what the pace holds back goes when the pace allows it', async () => {
  let allowed = 2;
  const pace = { take: () => allowed-- > 0, late: () => {}, waitMs: 5 };
  const { crew, clock, waiting, slots } = makeCrew({ pace });
  waiting.push(...numbers(4));
  crew.start();
  await turns(3);
  assert.deepEqual(slots(), [0, 1]);
  allowed = 1;
  await clock.advance(5);
  assert.deepEqual(slots(), [0, 1, 2]);
  assert.deepEqual(waiting, [3]);
});

test('by chance: every payment once, in order, never more at once than consumers', async () => {
  const random = new Random();
  for (let round = 0; round < 20; round++) {
    const consumers = 1 + random.below(8);
    const { crew, clock, waiting, attempts, slots } = makeCrew({
      consumers,
      sendsPerTurn: 1 + random.below(5),
      choose: () => (random.chance(0.2) ? 'wait' : 0),
      pace: { take: () => random.chance(0.8), late: () => {}, waitMs: 3 },
    });
    let [next, ended] = [0, 0];
    crew.start();
    while (ended < 100) {
      if (next < 100 && random.chance(0.6)) {
        waiting.push(next++);
        crew.wake();
      }
      if (ended < attempts.length && random.chance(0.5)) attempts[ended++]?.end();
      if (random.chance(0.1)) {
        crew.pause();
        crew.start();
      }
      await clock.advance(random.below(10));
      assert.ok(attempts.length - ended <= consumers, AGAIN);
    }
    await turns(2);
    assert.deepEqual(slots(), numbers(100), AGAIN);
    assert.equal(crew.busy, 0, AGAIN);
  }
});

test('what is queued within the time of gathering goes together, and nothing waits longer', async () => {
  const { crew, clock, waiting, slots } = makeCrew({ gatherMs: 10 });
  crew.start();
  await clock.advance(10);
  waiting.push(1);
  crew.wake();
  await clock.advance(9);
  waiting.push(2);
  crew.wake();
  assert.deepEqual(slots(), []);
  await clock.advance(1);
  assert.deepEqual(slots(), [1, 2]);
});

test('how late a turn comes is told to the pace', async () => {
  const lateness: number[] = [];
  const pace = { take: () => true, late: (ms: number) => lateness.push(ms), waitMs: 0 };
  const { crew, clock, waiting } = makeCrew({ gatherMs: 10, pace });
  crew.start();
  clock.stall(50);
  await clock.advance(0);
  waiting.push(1);
  crew.wake();
  await clock.advance(10);
  assert.deepEqual(lateness, [40, 0]);
});
