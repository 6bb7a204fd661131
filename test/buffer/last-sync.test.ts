// An engine that is stopped in order leaves its journal on the disk, where the journal is synced at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import { Engine } from '../../src/engine.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { fileBytes, recoverFrom } from './held-model.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';

const SLOTS = 5;
const nothing = (): void => {};
const dead = {
  charge: () => Promise.resolve('declined' as const),
  lookup: () => Promise.resolve('unknown' as const),
  health: () => Promise.resolve(undefined),
};

function makeEngine(sync: string, clock: VirtualClock, file: MemoryJournalFile): Engine {
  const config = readConfig({
    SOCKET_PATH: '/run/a.sock',
    JOURNAL_PATH: '/run/a.journal',
    DATABASE_URL: 'postgres://localhost/none',
    PROCESSOR_DEFAULT_URL: 'http://127.0.0.1:1',
    PROCESSOR_FALLBACK_URL: 'http://127.0.0.1:1',
    RING_SLOTS: String(SLOTS),
    CONSUMERS: '1',
    JOURNAL_SYNC: sync,
    JOURNAL_SYNC_EVERY_MS: '60000',
  });
  return new Engine(config, {
    clock,
    journalFile: file,
    processors: [dead, dead],
    ledger: {
      connect: () => Promise.reject(new Error('no ledger')),
      find: () => Promise.resolve([]),
      idsAfter: () => Promise.resolve([]),
    },
    offer: () => Promise.resolve('away'),
    log: nothing,
    onFatal: (error) => assert.fail(String(error)),
  });
}

interface Stopping {
  readonly file: MemoryJournalFile;
  readonly clock: VirtualClock;
  readonly stopped: Promise<void>;
}

/** An engine with one payment in its journal that is about to stop. */
async function stopping(sync: string): Promise<Stopping> {
  const [clock, file] = [new VirtualClock(), new MemoryJournalFile(fileBytes(SLOTS))];
  const engine = makeEngine(sync, clock, file);
  engine.recover(true);
  const admitted = engine.admit(Uint32Array.of(1, 2, 3, 4), 1990, false);
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

test('a disk that does not answer is not waited for, and one that fails is no stop in order', async () => {
  const hanging = await stopping('interval');
  await hanging.clock.advance(3_000);
  await hanging.stopped;
  const failing = await stopping('interval');
  failing.file.endSync(new Error('EIO'));
  await assert.rejects(failing.stopped, /EIO/);
});

test('with JOURNAL_SYNC=never a stop syncs nothing', async () => {
  const { file, stopped } = await stopping('never');
  await stopped;
  assert.equal(file.syncing, 0);
});
