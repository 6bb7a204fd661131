// The journal: after a crash at any byte, the ring is in the state before the write or after it.
// Damage never becomes a payment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { HEADER_BYTES, Journal, JournalError, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { describeRing, fileBytes, JOURNAL_ID, JournaledRing, recoverFrom } from './held-model.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';
import { AGAIN, Random } from './seed.ts';

const CELL_BYTES = SLOT_BYTES / 2;

test('a crash at any byte of any write leaves the state before it or after it', () => {
  const random = new Random();
  const held = new JournaledRing(4, random);
  for (let n = 0; n < 200; n++) {
    const before = { bytes: Buffer.from(held.file.cache), states: [...held.states] };
    const slot = held.step();
    const cell = held.file.cache.subarray(held.file.lastAt, held.file.lastAt + CELL_BYTES);
    for (let bytes = 0; bytes <= CELL_BYTES; bytes++) {
      const torn = Buffer.from(before.bytes);
      torn.set(cell.subarray(0, bytes), held.file.lastAt);
      const { states } = recoverFrom(torn, 4);
      const expected = bytes === CELL_BYTES ? [held.states] : [before.states, held.states];
      assert.ok(
        expected.some((all) => all.join('\n') === states.join('\n')),
        `write ${n} of slot ${slot}, torn after ${bytes} bytes: ${states.join('; ')} ${AGAIN}`,
      );
    }
  }
});

test('a ring that goes on after its recovery recovers again, crash after crash', () => {
  const random = new Random();
  let held = new JournaledRing(8, random);
  for (let crash = 0; crash < 100; crash++) {
    for (let n = random.below(40); n > 0; n--) held.step();
    // The process dies in the middle of one more write.
    const contents = Buffer.from(held.file.cache);
    const states = [...held.states];
    held.step();
    const tornBytes = random.below(CELL_BYTES);
    contents.set(
      held.file.cache.subarray(held.file.lastAt, held.file.lastAt + tornBytes),
      held.file.lastAt,
    );
    const recovered = recoverFrom(contents, 8);
    if (recovered.states.join() !== held.states.join()) {
      assert.deepEqual(recovered.states, states, AGAIN);
    }
    held = reopened(contents, random, recovered.states);
  }
});

/** The next process: it recovers, and writes on in the same file. */
function reopened(contents: Buffer, random: Random, states: readonly string[]): JournaledRing {
  const next = new JournaledRing(states.length, random);
  next.file.cache.set(contents);
  const { slots } = next.journal.recover();
  assert.deepEqual(describeRing(next.ring), states);
  assert.deepEqual(
    slots,
    states.flatMap((state, slot) => (state === 'free' ? [] : [slot])),
  );
  next.states.splice(0, states.length, ...states);
  return next;
}

test('after a write that failed at any byte the next one stands', () => {
  const random = new Random();
  for (let bytes = 0; bytes < CELL_BYTES; bytes++) {
    const held = new JournaledRing(2, random);
    for (let n = 0; n < 10; n++) held.step();
    held.file.tearAfter = bytes;
    assert.throws(() => held.step(), /the disk fails/);
    held.file.tearAfter = undefined;
    for (let slot = 0; slot < 2; slot++) {
      if (held.ring.isLive(slot)) held.ring.unpin(slot);
      if (held.ring.isLive(slot)) held.journal.hold(slot);
      else held.journal.release(slot);
    }
    assert.deepEqual(recoverFrom(held.file.cache, 2).states, describeRing(held.ring), AGAIN);
  }
});

test('any flipped bit of a cell is damage, and never a payment that was not there', () => {
  const random = new Random();
  const held = new JournaledRing(2, random);
  const seen = new Set<string>(['free']);
  for (let n = 0; n < 12; n++) {
    held.step();
    for (const state of held.states) seen.add(state);
  }
  for (let bit = HEADER_BYTES * 8; bit < held.file.cache.length * 8; bit++) {
    const contents = Buffer.from(held.file.cache);
    contents[bit >> 3] = (contents[bit >> 3] as number) ^ (1 << (bit & 7));
    const { states, damagedCells } = recoverFrom(contents, 2);
    assert.equal(damagedCells, 1, `bit ${bit} ${AGAIN}`);
    for (const state of states) assert.ok(seen.has(state), `${state} ${AGAIN}`);
  }
});

test('cells of another slot, of another journal or of an unknown state are damage', () => {
  const held = new JournaledRing(4, new Random());
  const slot = held.ring.hold(Uint32Array.of(1, 2, 3, 4), 1990, 5);
  held.journal.hold(slot);
  const cell = Buffer.from(
    held.file.cache.subarray(held.file.lastAt, held.file.lastAt + CELL_BYTES),
  );
  const place = (changed: Buffer): ReturnType<typeof recoverFrom> => {
    const file = new MemoryJournalFile(fileBytes(4));
    new Journal(file, new Ring(4, 1), 'never').format(JOURNAL_ID);
    file.cache.set(changed, held.file.lastAt);
    return recoverFrom(file.cache, 4);
  };
  assert.equal(place(cell).damagedCells, 0);
  assert.notEqual(place(cell).states[slot], 'free');

  const changes: readonly ((copy: Buffer) => unknown)[] = [
    (copy) => copy.writeUInt32LE((slot + 1) % 4, 8),
    (copy) => copy.writeUInt32LE(9, 12),
    (copy) => copy.writeDoubleLE(JOURNAL_ID + 1, 56),
  ];
  for (const change of changes) {
    const copy = Buffer.from(cell);
    change(copy);
    copy.writeUInt32LE(crc32(copy.subarray(4)), 0);
    const { states, damagedCells } = place(copy);
    assert.equal(damagedCells, 1);
    assert.deepEqual(states, ['free', 'free', 'free', 'free']);
  }
});

/** The same file from another version of the program. */
function otherVersion(contents: Buffer): Buffer {
  contents.writeUInt32LE(3, 12);
  contents.writeUInt32LE(crc32(contents.subarray(4, HEADER_BYTES / 2)), 0);
  return contents;
}

test('a file that is not this journal is refused with what to do', () => {
  const held = new JournaledRing(2, new Random());
  held.step();
  const refusal = (change: (contents: Buffer) => Uint8Array, message: RegExp, slots = 2): void => {
    assert.throws(
      () => recoverFrom(change(Buffer.from(held.file.cache)), slots),
      (error) => error instanceof JournalError && message.test(error.message),
    );
  };
  refusal(otherVersion, /version 3, this program reads 2/);
  refusal(
    (contents) => contents,
    /RING_SLOTS=2, RING_SLOTS is 3: start it with RING_SLOTS=2, wait .* move the journal away/,
    3,
  );
  refusal((contents) => contents.subarray(0, HEADER_BYTES + SLOT_BYTES), /cut short/);
  refusal((contents) => contents.subarray(0, 100), /not a journal/);
  refusal(() => Buffer.alloc(0), /not a journal/);
  refusal((contents) => contents.fill(0, 0, HEADER_BYTES), /header is damaged/);
});

function flip(contents: Buffer, bit: number): void {
  contents[bit >> 3] = (contents[bit >> 3] as number) ^ (1 << (bit & 7));
}

test('a header with any flipped bit is whole in its other copy; with two it is refused', () => {
  const held = new JournaledRing(2, new Random());
  for (let n = 0; n < 5; n++) held.step();
  for (let bit = 0; bit < HEADER_BYTES * 4; bit += 7) {
    const contents = Buffer.from(held.file.cache);
    flip(contents, bit);
    assert.deepEqual(recoverFrom(contents, 2).states, held.states);
    flip(contents, HEADER_BYTES * 4 + bit);
    assert.throws(() => recoverFrom(contents, 2), /not a journal, or its header is damaged/);
  }
});

test('the latest cell counts also when the sequence has wrapped around', () => {
  for (const start of [0xfffffffd, 0x7ffffffd]) {
    const ring = new Ring(1, 1);
    const file = new MemoryJournalFile(fileBytes(1));
    const journal = new Journal(file, ring, 'never');
    journal.format(JOURNAL_ID);
    const slot = ring.hold(Uint32Array.of(1, 2, 3, 4), 1, 0);
    journal.hold(slot);
    // As if it had been written `start` times: the same cell with that sequence.
    const cell = file.cache.subarray(file.lastAt, file.lastAt + CELL_BYTES);
    cell.writeUInt32LE(start, 4);
    cell.writeUInt32LE(crc32(cell.subarray(4)), 0);
    const ringAfter = new Ring(1, 1);
    const journalAfter = new Journal(file, ringAfter, 'never');
    journalAfter.recover();
    for (let n = 1; n <= 8; n++) {
      ringAfter.pin(slot, 1, n);
      journalAfter.pin(slot);
      assert.deepEqual(
        recoverFrom(file.cache, 1).states,
        describeRing(ringAfter),
        `${start} + ${n}`,
      );
    }
  }
});

test('a slot without a pin can not be written as pinned or charged', () => {
  const held = new JournaledRing(1, new Random());
  const slot = held.ring.hold(Uint32Array.of(1, 2, 3, 4), 1, 0);
  assert.throws(() => held.journal.pin(slot), /has no pin/);
  assert.throws(() => held.journal.charged(slot), /has no pin/);
});

test('a journal of more slots than one read takes is recovered whole', () => {
  const random = new Random();
  const held = new JournaledRing(2500, random);
  for (let n = 0; n < 20_000; n++) held.step();
  assert.deepEqual(recoverFrom(held.file.cache, 2500).states, held.states, AGAIN);
  // The header, and one write a step: a slot's first payment goes into both cells at once.
  assert.equal(held.file.writes, 20_001);
});

test('an id that stands in two slots is one payment, pinned if either was', () => {
  const id = Uint32Array.of(1, 2, 3, 4);
  for (const pinned of [0, 1]) {
    const file = new MemoryJournalFile(fileBytes(2));
    for (const slot of [0, 1]) {
      // A ring that doesn't know of the other slot.
      const ring = new Ring(2, 1);
      const journal = new Journal(file, ring, 'never');
      journal.format(JOURNAL_ID);
      if (slot === 1) ring.hold(Uint32Array.of(9, 9, 9, 9), 1, 1);
      assert.equal(ring.hold(id, 1990, 5), slot);
      if (slot === pinned) ring.pin(slot, 1, 77);
      if (slot === pinned) journal.pin(slot);
      else journal.hold(slot);
    }
    const expected = ['00000001-0000-0002-0000-000300000004 1990 5 at 1 since 77', 'free'];
    assert.deepEqual(recoverFrom(file.cache, 2).states, expected);
    // The other slot is used for something else, and the process dies again.
    const ring = new Ring(2, 1);
    const journal = new Journal(file, ring, 'never');
    assert.deepEqual(journal.recover().slots, [0]);
    journal.hold(ring.hold(Uint32Array.of(8, 8, 8, 8), 1, 1));
    assert.equal(recoverFrom(file.cache, 2).states[0], expected[0]);
  }
});
