// A stop in order leaves the journal on the disk, unless JOURNAL_SYNC=never. A table has the last
// releases of an idle shard a second later.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { fileBytes, recoverFrom } from './held-model.ts';
import { loneEngine, SLOTS } from './lone-engine.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';

interface Stopping {
  readonly file: MemoryJournalFile;
  readonly clock: VirtualClock;
  readonly stopped: Promise<void>;
}

/** An engine with one payment in its journal that is about to stop. */
async function stopping(sync: string): Promise<Stopping> {
  const [clock, file] = [new VirtualClock(), new MemoryJournalFile(fileBytes(SLOTS))];
  const engine = loneEngine({ sync, clock, file });
  engine.recover(true);
  const admitted = engine.admission.admit(Uint32Array.of(1, 2, 3, 4), 1990, false);
  await turn();
  if (sync === 'always') file.endSync();
  assert.equal(await admitted, 'accepted');
  const stopped = engine.stop(0);
  await turn();
  return { file, clock, stopped };
}

for (const sync of ['interval', 'always']) {
  test(`with JOURNAL_SYNC=${sync} a stop waits for the disk, and all is there`, async () => {
    const { file, stopped } = await stopping(sync);
    assert.equal(file.syncing, 1);
    file.endSync();
    await stopped;
    assert.deepEqual(recoverFrom(file.disk, SLOTS), recoverFrom(file.cache, SLOTS));
    assert.ok(recoverFrom(file.disk, SLOTS).states.some((state) => state !== 'free'));
  });
}

test('a disk that takes its time is waited for, since 0 says that all is safe; one that fails is no stop in order', async () => {
  const { file, clock, stopped } = await stopping('interval');
  let isOver = false;
  const over = stopped.then(() => {
    isOver = true;
  });
  await clock.advance(60_000);
  assert.equal(isOver, false);
  file.endSync();
  await over;
  const failing = await stopping('interval');
  failing.file.endSync(new Error('EIO'));
  await assert.rejects(failing.stopped, /EIO/);
});

test('with JOURNAL_SYNC=never a stop syncs nothing', async () => {
  const { file, stopped } = await stopping('never');
  await stopped;
  assert.equal(file.syncing, 0);
});

test('the last release of a table is committed though no payment follows', async () => {
  const [clock, file] = [new VirtualClock(), new MemoryJournalFile(fileBytes(SLOTS))];
  const settings = { JOURNAL: 'table', JOURNAL_PATH: '' };
  const engine = loneEngine({ sync: '', clock, file, settings, charge: () => 'charged' });
  engine.recover(true);
  engine.start();
  const admitted = engine.admission.admit(Uint32Array.of(1, 2, 3, 4), 1990, false);
  // Ends the syncs that others wait for, until the payment is settled.
  const isSettled = (): boolean => engine.held.accepted === 1 && engine.ring.used === 0;
  for (let step = 0; !isSettled() && step < 500; step++) {
    await clock.advance(1);
    if (file.syncing > 0) file.endSync();
  }
  assert.equal(await admitted, 'accepted');
  assert.ok(isSettled());
  assert.equal(file.syncing, 0);
  assert.notDeepEqual(recoverFrom(file.disk, SLOTS), recoverFrom(file.cache, SLOTS));
  await clock.advance(1_000);
  assert.equal(file.syncing, 1);
  file.endSync();
  assert.deepEqual(recoverFrom(file.disk, SLOTS), recoverFrom(file.cache, SLOTS));
});
