// Damage in the journal's file: torn cells, cells of another journal or another slot, another
// process with the same file. It is counted and logged, and none of it becomes a payment.

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { AGAIN } from '../buffer/seed.ts';
import { audit, chargedAt } from '../world/audit.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const SLOTS = 2_000;
const HEADER_BYTES = 4096;
const CELL_BYTES = 64;
const { world, random, book } = await openStage({
  instances: 1,
  front: false,
  // A payment in doubt is sent again only once TIMEOUT_MAX_MS has passed.
  environment: {
    RING_SLOTS: String(SLOTS),
    TIMEOUT_FALLBACK_MS: '1000',
    TIMEOUT_MAX_MS: '1000',
  },
});

const recovered = (): { payments: number; damagedCells: number } =>
  JSON.parse(
    world.instance(0).lines.findLast((line) => line.includes('"event":"recovered"')) as string,
  ) as { payments: number; damagedCells: number };

/** Changes cells of the journal while nobody runs. Cells 2 n and 2 n + 1 are slot n's. */
function rewrite(cells: readonly number[], change: (cell: Buffer, number: number) => void): void {
  const file = openSync(world.instance(0).journalPath, 'r+');
  const cell = Buffer.alloc(CELL_BYTES);
  for (const number of cells) {
    const at = HEADER_BYTES + number * CELL_BYTES;
    readSync(file, cell, 0, CELL_BYTES, at);
    change(cell, number);
    writeSync(file, cell, 0, CELL_BYTES, at);
  }
  closeSync(file);
}

const LAST_SLOTS = Array.from({ length: 40 }, (_, n) => 2 * SLOTS - 1 - n);

const seal = (cell: Buffer): void => {
  cell.writeUInt32LE(crc32(cell.subarray(4)), 0);
};

test(`cells that aren't this journal's are counted and never become payments ${AGAIN}`, async () => {
  const instance = world.instance(0);
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(100);
  await load.stop();
  await audit(world, book.accepted);
  await instance.kill();

  // The last slots were never used, so their cells are empty and the test can write anything there.
  const used = readFileSync(instance.journalPath).subarray(HEADER_BYTES, HEADER_BYTES + CELL_BYTES);
  assert.ok(used.some((byte) => byte !== 0));
  rewrite(LAST_SLOTS, (cell, number) => {
    used.copy(cell);
    const slot = number >> 1;
    cell.writeUInt32LE(1, 12);
    switch (number % 4) {
      case 0: // Torn: a part of another payment, and no checksum for it.
        cell.writeUInt32LE(slot, 8);
        cell.fill(0, 40);
        break;
      case 1: // A whole and valid cell of another slot.
        seal(cell);
        break;
      case 2: // A whole cell of another journal.
        cell.writeUInt32LE(slot, 8);
        cell.writeDoubleLE(0.123, 56);
        seal(cell);
        break;
      case 3: // Noise.
        for (let at = 0; at < CELL_BYTES; at += 4) cell.writeUInt32LE(random.word(), at);
    }
  });
  await instance.restart();
  assert.deepEqual(
    { payments: recovered().payments, damagedCells: recovered().damagedCells },
    { payments: 0, damagedCells: LAST_SLOTS.length },
  );
  await audit(world, book.accepted);
});

test(`a torn write is the state before it: held payments are settled all the same ${AGAIN}`, async () => {
  const instance = world.instance(0);
  for (const { levers } of world.processors) await levers.setFailing(true);
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(100);
  await load.stop();
  await instance.kill();
  const damagedBefore = recovered().damagedCells;
  // Each slot's older cell is what a write would have gone to.
  const file = readFileSync(instance.journalPath);
  const sequence = (number: number): number =>
    file.readUInt32LE(HEADER_BYTES + number * CELL_BYTES + 4);
  const older = Array.from({ length: 100 }, (_, slot) => {
    return sequence(2 * slot) < sequence(2 * slot + 1) ? 2 * slot : 2 * slot + 1;
  });
  rewrite(older, (cell) => cell.writeUInt32LE(random.word(), 4 + 4 * random.below(15)));
  for (const { levers } of world.processors) await levers.setFailing(false);
  await instance.restart();
  assert.equal(recovered().damagedCells, damagedBefore + older.length);
  await audit(world, book.accepted, { maybe: book.maybe });
});

test(`a pin whose cell is damaged: both processors are asked, and nobody is charged twice ${AGAIN}`, async () => {
  const instance = world.instance(0);
  await world.default.levers.setFault({ kind: 'hang-after-insert' });
  await using load = new Load({ clients: [world.client], random, book });
  const chargedBefore = (await chargedAt(world)).default;
  await load.more(50);
  await load.stop();
  await waitUntil('default holds some', async () => {
    return (await chargedAt(world)).default >= chargedBefore + 20;
  });
  await instance.kill();
  const file = readFileSync(instance.journalPath);
  const word = (number: number, at: number): number =>
    file.readUInt32LE(HEADER_BYTES + number * CELL_BYTES + at);
  const later = Array.from({ length: SLOTS }, (_, slot) => {
    return word(2 * slot, 4) > word(2 * slot + 1, 4) ? 2 * slot : 2 * slot + 1;
  });
  const pinned = later.filter((number) => word(number, 12) === 2);
  assert.ok(pinned.length >= 20);
  rewrite(pinned, (cell) => cell.writeUInt32LE(random.word(), 24));
  // Sent as if for the first time, they would go to fallback.
  await world.default.levers.setFault({ kind: 'none' });
  await world.default.levers.setFailing(true);
  await instance.restart({ POLICY: 'eager' });
  await audit(world, book.accepted, { maybe: book.maybe });
  await world.default.levers.setFailing(false);
});

test(`a second process on the same journal doesn't start, and harms nothing ${AGAIN}`, async () => {
  const instance = world.instance(0);
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(30);
  const second = new Program(new URL('../../src/main.js', import.meta.url));
  second.start({
    SOCKET_PATH: `${instance.socketPath}.second`,
    JOURNAL_PATH: instance.journalPath,
    RING_SLOTS: String(SLOTS),
    DATABASE_URL: world.databaseUrl,
    PROCESSOR_DEFAULT_URL: world.default.url,
    PROCESSOR_FALLBACK_URL: world.fallback.url,
  });
  assert.equal(await second.ended(), 2);
  assert.match(second.lastWords(), /JOURNAL_PATH .* is in use by another process/);
  await load.more(30);
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
});

test(`a file that is no journal stops the start and stays as it was ${AGAIN}`, async () => {
  const instance = world.instance(0);
  await instance.kill();
  const path = `${instance.journalPath}.other`;
  for (const content of [Buffer.from('somebody else wrote this\n'), Buffer.alloc(300_000, 7)]) {
    writeFileSync(path, content);
    instance.start({ JOURNAL_PATH: path });
    assert.equal(await instance.program.ended(), 2);
    assert.match(instance.program.lastWords(), /JOURNAL_PATH is not a journal/);
    assert.deepEqual(readFileSync(path), content);
  }
  await instance.restart();
  await audit(world, book.accepted, { maybe: book.maybe });
});
