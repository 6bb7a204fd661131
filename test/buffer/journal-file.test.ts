// The journal's file on a real disk, with real processes that die.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DiskJournalFile } from '../../src/buffer/journal-file.ts';
import { HEADER_BYTES, Journal, JournalError } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { needsSmallDisk, SmallDisk } from '../world/small-disk.ts';
import { tempDirectoryFor } from '../world/temp-directory.ts';
import { describeRing, fileBytes } from './held-model.ts';

const SLOTS = 100;
const BYTES = fileBytes(SLOTS);
const isRoot = process.getuid?.() === 0;

function refused(path: string, message: RegExp, bytes = BYTES): void {
  assert.throws(
    () => new DiskJournalFile(path, bytes).close(),
    (error) => error instanceof JournalError && message.test(error.message),
  );
}

/** Makes the file if need be and says what stands in it. */
function start(path: string): { isNew: boolean; damagedCells: number; states: string[] } {
  const file = new DiskJournalFile(path, BYTES);
  try {
    const ring = new Ring(SLOTS, 1);
    const journal = new Journal(file, ring, 'always');
    if (file.isNew) journal.format(7);
    const { damagedCells } = journal.recover();
    return { isNew: file.isNew, damagedCells, states: describeRing(ring) };
  } finally {
    file.close();
  }
}

const source = (name: string): string => new URL(`../../src/${name}.js`, import.meta.url).href;

/** Another process that runs `statements` with the journal at `path` open, and says so. */
async function otherProcess(path: string, statements: string): Promise<ChildProcess> {
  const program = `
    import { DiskJournalFile } from '${source('buffer/journal-file')}';
    import { Journal } from '${source('buffer/journal')}';
    import { Ring } from '${source('buffer/ring')}';
    const file = new DiskJournalFile(${JSON.stringify(path)}, ${BYTES});
    const ring = new Ring(${SLOTS}, 1);
    const journal = new Journal(file, ring, 'always');
    if (file.isNew) journal.format(7);
    journal.recover();
    ${statements}
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.equal(child.exitCode, null);
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('a journal is of one process alone, and free again after its kill -9', async (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  const child = await otherProcess(path, '');
  try {
    refused(path, /in use by another process/);
  } finally {
    await killed(child);
  }
  assert.equal(start(path).isNew, false);
});

test('one process can not open its journal twice', (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  const file = new DiskJournalFile(path, BYTES);
  refused(path, /in use by another process/);
  file.close();
  assert.equal(start(path).isNew, true);
});

test('what was written before a kill -9 is there at the next start', async (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  const child = await otherProcess(
    path,
    `for (let n = 0; n < 10; n++) {
       const slot = ring.hold(Uint32Array.of(n, 0, 0, 1), 100 + n, 5);
       journal.hold(slot);
       if (n < 3) { ring.pin(slot, n & 1, 77); journal.pin(slot); }
       if (n > 7) { journal.release(slot); ring.release(slot); }
     }`,
  );
  await killed(child);
  const { isNew, damagedCells, states } = start(path);
  assert.deepEqual({ isNew, damagedCells }, { isNew: false, damagedCells: 0 });
  const live = states.filter((state) => state !== 'free');
  assert.equal(live.length, 8);
  assert.equal(live[0], '00000000-0000-0000-0000-000000000001 100 5 at 0 since 77');
  assert.equal(live[1], '00000001-0000-0000-0000-000000000001 101 5 at 1 since 77');
  assert.equal(live[7], '00000007-0000-0000-0000-000000000001 107 5 unpinned');
  assert.deepEqual(start(path).states, states);
});

test('a new file has its whole size, and a sync of it resolves', async (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  const bytes = 3 * 1024 * 1024 + 123;
  const file = new DiskJournalFile(path, bytes);
  context.after(() => file.close());
  assert.ok(file.isNew);
  const { size, blocks, mode } = statSync(path);
  assert.equal(size, bytes);
  assert.ok(blocks * 512 >= bytes, 'allocated, not sparse');
  assert.equal(mode & 0o777, 0o600);
  file.write(Buffer.from('end'), bytes - 3);
  await file.sync();
  const end = Buffer.alloc(10);
  assert.equal(file.read(end, bytes - 3), 3);
  assert.equal(end.toString('latin1', 0, 3), 'end');
});

test('a start that died while it allocated begins anew', (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  for (const bytes of [0, 1, HEADER_BYTES, BYTES - 1, BYTES, 3 * BYTES]) {
    writeFileSync(path, Buffer.alloc(bytes));
    const { isNew, states } = start(path);
    assert.ok(isNew, `${bytes} bytes`);
    assert.ok(states.every((state) => state === 'free'));
    assert.equal(start(path).isNew, false);
  }
});

test('a file that is no journal is left as it is', (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  writeFileSync(path, 'precious');
  assert.throws(() => start(path), JournalError);
  assert.equal(statSync(path).size, 'precious'.length);
});

test('a journal whose header was wiped is refused, not begun anew over its payments', (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  start(path);
  const file = new DiskJournalFile(path, BYTES);
  file.write(Buffer.alloc(HEADER_BYTES), 0);
  file.write(Buffer.from([1]), BYTES - 1);
  file.close();
  assert.throws(() => start(path), /header is damaged/);
});

test('a journal that was cut short is refused', (context) => {
  const path = join(tempDirectoryFor(context), 'journal');
  start(path);
  truncateSync(path, BYTES - 1);
  assert.throws(() => start(path), /cut short/);
});

test('a path that can not be written is refused by its name', (context) => {
  const folder = tempDirectoryFor(context);
  refused(join(folder, 'missing', 'journal'), /missing\/journal cannot be used: ENOENT/);
  mkdirSync(join(folder, 'folder'));
  refused(join(folder, 'folder'), /folder cannot be used: EISDIR/);
  const path = join(folder, 'journal');
  writeFileSync(path, '');
  chmodSync(path, 0o444);
  // Permissions don't bind root.
  if (isRoot) process.seteuid?.(65_534);
  try {
    refused(path, /journal cannot be used: EACCES/);
    refused('/proc/journal', /cannot be used/);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test(
  'a disk that is full at the start is named, and the start succeeds once there is room',
  needsSmallDisk,
  () => {
    using disk = new SmallDisk(64);
    const path = join(disk.directory, 'journal');
    const bytes = fileBytes(10_000);
    refused(path, /journal cannot be used: ENOSPC/, bytes);
    disk.resize(16 * 1024);
    const file = new DiskJournalFile(path, bytes);
    assert.ok(file.isNew);
    file.close();
  },
);
