// Who waits for the disk, and for which sync.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Journal } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { fileBytes, JournaledRing, recoverFrom } from './held-model.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';
import { AGAIN, Random } from './seed.ts';

function journalOf(sync: 'never' | 'interval' | 'always'): {
  readonly file: MemoryJournalFile;
  readonly journal: Journal;
} {
  const file = new MemoryJournalFile(fileBytes(1));
  return { file, journal: new Journal(file, new Ring(1, 1), sync) };
}

/** Notes when it settles. */
function watched(promise: Promise<void> | undefined): { outcome: string } {
  const watch = { outcome: 'waiting' };
  assert.ok(promise);
  promise.then(
    () => (watch.outcome = 'synced'),
    (error: unknown) => (watch.outcome = String(error)),
  );
  return watch;
}

test('nobody waits for the disk unless it was asked for', () => {
  assert.equal(journalOf('never').journal.synced(), undefined);
  assert.equal(journalOf('interval').journal.synced(), undefined);
});

test('a payment that comes during a sync gets the next one, and all that come share it', async () => {
  const { file, journal } = journalOf('always');
  const first = watched(journal.synced());
  await turn();
  const second = watched(journal.synced());
  const third = watched(journal.synced());
  assert.equal(file.syncing, 1);
  file.endSync();
  await turn();
  assert.deepEqual(
    [first.outcome, second.outcome, third.outcome],
    ['synced', 'waiting', 'waiting'],
  );
  assert.equal(file.syncing, 1);
  const fourth = watched(journal.synced());
  file.endSync();
  await turn();
  assert.deepEqual(
    [second.outcome, third.outcome, fourth.outcome],
    ['synced', 'synced', 'waiting'],
  );
  file.endSync();
  await turn();
  assert.equal(fourth.outcome, 'synced');
  assert.equal(file.syncing, 0);
});

test('a payment that comes the moment a sync ends gets the next one: there are never two at once', async () => {
  const { file, journal } = journalOf('always');
  const first = journal.syncNow();
  const late = first.then(() => journal.syncNow());
  const second = journal.syncNow();
  file.endSync();
  await turn();
  assert.equal(file.syncing, 1);
  file.endSync();
  await Promise.all([late, second]);
  assert.equal(file.syncing, 0);
});

test('a failed sync reaches all who wait, and none is believed after it', async () => {
  const { file, journal } = journalOf('always');
  const first = watched(journal.synced());
  const second = watched(journal.synced());
  file.endSync(new Error('EIO'));
  await turn();
  const later = watched(journal.synced());
  await turn();
  const evenLater = watched(journal.syncNow());
  await turn();
  for (const { outcome } of [first, second, later, evenLater]) assert.equal(outcome, 'Error: EIO');
  assert.equal(file.syncing, 0);
});

test('what a resolved sync covers survives a power failure', async () => {
  const random = new Random();
  const held = new JournaledRing(6, random);
  for (let round = 0; round < 100; round++) {
    for (let n = random.below(10); n > 0; n--) held.step();
    const promised = [...held.states];
    const sync = held.journal.syncNow();
    // Written meanwhile: not promised, and the sync doesn't have it.
    const touched = new Set<number>();
    for (let n = random.below(4); n > 0; n--) touched.add(held.step());
    held.file.endSync();
    await sync;
    const { states } = recoverFrom(held.file.disk, 6);
    for (let slot = 0; slot < 6; slot++) {
      if (!touched.has(slot)) assert.equal(states[slot], held.states[slot], AGAIN);
      assert.equal(states[slot], promised[slot], AGAIN);
    }
  }
});
