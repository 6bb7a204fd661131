// The ring beside a model of it: a map from id to payment, and arrays for the queues.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { UNPINNED } from '../../src/buffer/slot-state.ts';
import { SlotQueue } from '../../src/buffer/slot-queue.ts';
import { AGAIN, Random, SEED } from './seed.ts';

interface Entry {
  readonly slot: number;
  readonly cents: number;
  readonly acceptedAtMs: number;
}

class Model {
  readonly live = new Map<string, Entry>();
  readonly waiting: number[] = [];
  /** Live, not waiting. */
  readonly held = new Set<number>();
}

type MakeId = (n: number) => Uint32Array;

/** One of few ids, so that repeats are frequent. */
const kindsOfIds: Readonly<Record<string, MakeId>> = {
  counters: (n) => Uint32Array.of(0, 0, 0, n),
  'counters in the first word': (n) => Uint32Array.of(n, 0, 0, 0),
  'random ones': (n) => new Random(SEED + n).id(),
};

function step(ring: Ring, model: Model, random: Random, id: Uint32Array): void {
  const text = idToText(id);
  const known = model.live.get(text);
  assert.equal(ring.find(id), known?.slot ?? -1, `find ${text} ${AGAIN}`);
  const action = random.below(10);
  if (known === undefined) {
    if (action < 6) hold(ring, model, random, id);
  } else if (action < 3 && model.held.has(known.slot)) {
    ring.release(known.slot);
    model.live.delete(text);
    model.held.delete(known.slot);
  } else if (action < 5 && model.held.delete(known.slot)) {
    const first = random.chance(0.3);
    if (first) model.waiting.unshift(known.slot);
    else model.waiting.push(known.slot);
    if (first) ring.enqueueFirst(known.slot);
    else ring.enqueue(known.slot);
  }
  if (action > 6) {
    assert.equal(ring.peek(), model.waiting[0] ?? -1, AGAIN);
    const slot = model.waiting.shift();
    assert.equal(ring.dequeue(), slot ?? -1, AGAIN);
    if (slot !== undefined) model.held.add(slot);
  }
}

function hold(ring: Ring, model: Model, random: Random, id: Uint32Array): void {
  const cents = 1 + random.below(1_000_000);
  const acceptedAtMs = random.word();
  const slot = ring.hold(id, cents, acceptedAtMs);
  if (model.live.size === ring.slots) {
    assert.equal(slot, -1, `a full ring gave slot ${slot} ${AGAIN}`);
    return;
  }
  assert.ok(slot >= 0 && slot < ring.slots, AGAIN);
  for (const other of model.live.values()) assert.notEqual(other.slot, slot, AGAIN);
  assert.equal(ring.pinOf(slot), UNPINNED);
  assert.equal(ring.declines[slot], 0);
  assert.equal(ring.requestedAtMs[slot], 0);
  ring.declines[slot] = 3;
  ring.pin(slot, 1, 5);
  model.live.set(idToText(id), { slot, cents, acceptedAtMs });
  model.held.add(slot);
}

function compare(ring: Ring, model: Model): void {
  assert.equal(ring.free, ring.slots - model.live.size, AGAIN);
  assert.equal(ring.waiting, model.waiting.length, AGAIN);
  let live = 0;
  for (let slot = 0; slot < ring.slots; slot++) if (ring.isLive(slot)) live++;
  assert.equal(live, model.live.size, AGAIN);
  for (const [text, { slot, cents, acceptedAtMs }] of model.live) {
    assert.equal(ring.idText(slot), text, AGAIN);
    assert.equal(ring.amountCents[slot], cents, AGAIN);
    assert.equal(ring.acceptedAtMs[slot], acceptedAtMs, AGAIN);
  }
}

for (const [kind, makeId] of Object.entries(kindsOfIds)) {
  test(`with ids that are ${kind} the ring does what its model does`, () => {
    const random = new Random();
    for (const slots of [1, 2, 3, 7, 8, 33]) {
      const ring = new Ring(slots, random.word());
      const model = new Model();
      const ids = Array.from({ length: slots * 2 }, (_, n) => makeId(n));
      for (let n = 0; n < 20_000; n++) {
        step(ring, model, random, ids[random.below(ids.length)] as Uint32Array);
        if (n % 16 === 0) compare(ring, model);
      }
      compare(ring, model);
      for (const id of ids) {
        assert.equal(ring.find(id), model.live.get(idToText(id))?.slot ?? -1, AGAIN);
      }
    }
  });
}

test('ids that all collide are still found and removed one by one', () => {
  const random = new Random();
  // With one slot's worth of places every id has few homes: long runs that wrap around the index.
  const ring = new Ring(4, 0);
  const ids = Array.from({ length: 64 }, () => random.id());
  for (let round = 0; round < 5_000; round++) {
    const four = new Set<Uint32Array>();
    while (four.size < 4) four.add(ids[random.below(64)] as Uint32Array);
    const slots = [...four].map((id) => ring.hold(id, 1, 1));
    assert.equal(ring.hold(Uint32Array.of(1, 2, 3, 4), 1, 1), -1);
    const order = random.shuffled([...four]);
    for (const id of order) {
      const slot = ring.find(id);
      assert.ok(slots.includes(slot), AGAIN);
      ring.release(slot);
      assert.equal(ring.find(id), -1, AGAIN);
    }
    assert.equal(ring.free, 4);
  }
});

test('a slot that is not live can be neither released nor queued', () => {
  const ring = new Ring(2, 1);
  assert.throws(() => ring.release(0), /against its state/);
  assert.throws(() => ring.enqueue(0), /against its state/);
  assert.throws(() => ring.enqueueFirst(1), /against its state/);
  const slot = ring.hold(Uint32Array.of(1, 1, 1, 1), 1, 1);
  ring.release(slot);
  assert.throws(() => ring.release(slot), /against its state/);
});

test('what was restored is found, and only the other slots are free', () => {
  const ring = new Ring(4, 9);
  ring.restore(2, Uint32Array.of(0, 0, 0, 5), 7, 8);
  ring.endRestore();
  assert.equal(ring.find(Uint32Array.of(0, 0, 0, 5)), 2);
  assert.throws(() => ring.restore(2, Uint32Array.of(0, 0, 0, 6), 7, 8), /against its state/);
  const slots = [1, 2, 3].map((n) => ring.hold(Uint32Array.of(n, 0, 0, 0), 1, 1));
  assert.deepEqual(
    slots.toSorted((left, right) => left - right),
    [0, 1, 3],
  );
  assert.equal(ring.hold(Uint32Array.of(4, 0, 0, 0), 1, 1), -1);
});

test('a ring of 100,000 slots takes the memory of its arrays and no more, however long it is used', () => {
  const before = process.memoryUsage();
  const ring = new Ring(100_000, 3);
  const id = new Uint32Array(4);
  for (let n = 0; n < 1_000_000; n++) {
    id[3] = n;
    ring.enqueue(ring.hold(id, 1, 1));
    ring.release(ring.dequeue());
  }
  const after = process.memoryUsage();
  assert.equal(ring.free, 100_000);
  // 16 + 3 × 8 + 4 + 2 bytes a slot, two queues of 4, an index of 262,144 places of 4.
  assert.ok(after.arrayBuffers - before.arrayBuffers < 8_000_000);
});

test('a slot queue refuses what it has no room for, and nothing is overwritten', () => {
  const queue = new SlotQueue(2);
  queue.push(1);
  queue.unshift(0);
  assert.throws(() => queue.push(2), /overflow/);
  assert.throws(() => queue.unshift(2), /overflow/);
  assert.deepEqual([queue.shift(), queue.first(), queue.shift(), queue.shift()], [0, 1, 1, -1]);
  assert.equal(queue.first(), -1);
});
