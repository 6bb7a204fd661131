// Where the journal can't say whether a payment was sent, the payment is in doubt: a start asks
// both processors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { IN_DOUBT } from '../../src/buffer/slot-state.ts';
import { DEFAULT } from '../../src/payment.ts';
import { fileBytes, JOURNAL_ID, recoverFrom } from './held-model.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';

test('where a cell is damaged and the other one says "held", either processor may have the payment', () => {
  const slot = 0;
  const write = (ring: Ring, journal: Journal, word: string): void => {
    if (word === 'hold') ring.unpin(slot);
    else ring.pin(slot, DEFAULT, 77);
    if (word === 'hold') journal.hold(slot);
    else if (word === 'pin') journal.pin(slot);
    else journal.charged(slot);
  };
  for (const [words, doubtful] of [
    [['hold', 'pin'], [0]],
    [['hold', 'pin', 'hold', 'pin'], [0]],
    // What is damaged may as well be older; nothing tells.
    [['hold', 'pin', 'pin'], []],
    [['hold', 'pin', 'charged'], []],
  ] as const) {
    const ring = new Ring(1, 1);
    const file = new MemoryJournalFile(fileBytes(1));
    const journal = new Journal(file, ring, 'never');
    journal.format(JOURNAL_ID);
    ring.hold(Uint32Array.of(1, 2, 3, 4), 1990, 5);
    for (const word of words) write(ring, journal, word);
    const flipped = Buffer.from(file.cache);
    flipped[file.lastAt + 20] = (flipped[file.lastAt + 20] as number) ^ 1;
    const zeroed = Buffer.from(file.cache).fill(0, file.lastAt, file.lastAt + SLOT_BYTES / 2);
    for (const contents of [flipped, zeroed]) {
      const found = recoverFrom(contents, 1);
      assert.deepEqual(found.doubtful, doubtful, words.join());
      assert.equal(found.damagedCells, contents === flipped ? 1 : 0);
      assert.notDeepEqual(found.states, ['free']);
    }
  }
});

test('that a payment is in doubt outlives the process', () => {
  const ring = new Ring(1, 1);
  const file = new MemoryJournalFile(fileBytes(1));
  const journal = new Journal(file, ring, 'never');
  journal.format(JOURNAL_ID);
  const slot = ring.hold(Uint32Array.of(1, 2, 3, 4), 1990, 5);
  ring.doubt[slot] = IN_DOUBT;
  journal.hold(slot);
  assert.deepEqual(recoverFrom(file.cache, 1).doubtful, [slot]);
});
