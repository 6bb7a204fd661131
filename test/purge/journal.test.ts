// A purge empties the journal on the disk before anybody is told that it is done.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Engine } from '../../src/engine.ts';
import { fileBytes, recoverFrom } from '../buffer/held-model.ts';
import { loneEngine, SLOTS } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

interface Still {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly file: MemoryJournalFile;
  readonly fatal: string[];
}

/** Holds a payment that waits, and nothing is under way. */
async function still(sync: string): Promise<Still> {
  const [clock, file] = [new VirtualClock(), new MemoryJournalFile(fileBytes(SLOTS))];
  const fatal: string[] = [];
  const onFatal = (error: unknown): void => void fatal.push(String(error));
  const engine = loneEngine({ sync, clock, file, onFatal });
  engine.recover(true);
  engine.start();
  engine.holdStill();
  engine.takeAgain();
  await clock.advance(100);
  const admitted = engine.admission.admit(Uint32Array.of(1, 2, 3, 4), 1990, false);
  await turn();
  if (sync === 'always') file.endSync();
  assert.equal(await admitted, 'accepted');
  assert.ok(engine.isStill);
  return { engine, clock, file, fatal };
}

const held = (bytes: Uint8Array): number =>
  recoverFrom(bytes, SLOTS).states.filter((state) => state !== 'free').length;

test('with JOURNAL_SYNC=always a purge waits for the disk', async () => {
  const { engine, file } = await still('always');
  assert.equal(held(file.disk), 1);
  let isForgotten = false;
  const forgotten = engine.forget().then(() => {
    isForgotten = true;
  });
  await turn();
  assert.ok(!isForgotten);
  assert.equal(held(file.disk), 1);
  file.endSync();
  await forgotten;
  assert.equal(held(file.disk), 0);
});

test('a journal that fails in a purge ends the process: its payment would be held and sent by nobody', async () => {
  const { engine, file, fatal } = await still('never');
  file.tearAfter = 10;
  await engine.forget();
  assert.equal(fatal.length, 1);
  assert.match(String(fatal[0]), /EIO/);
  assert.equal(held(file.cache), 1);
});
