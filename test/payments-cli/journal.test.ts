// A journal, read only: whole, in use, a copy, damaged, cut short, of another version.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import { DiskJournalFile } from '../../src/buffer/journal-file.ts';
import { HEADER_BYTES, Journal, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { IN_DOUBT } from '../../src/buffer/slot-state.ts';
import { idToText } from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { payments, type Ended } from './command.ts';
import { directoryOf } from './stub-admin.ts';

const SLOTS = 3_000;
const ACCEPTED_MS = Date.parse('2026-01-02T03:04:05.678Z');
const REQUESTED_MS = ACCEPTED_MS + 1_000;
const [HELD, PINNED, CHARGED, DOUBTFUL, GIVEN_UP, RELEASED] = [1, 2, 3, 4, 5, 6];

const wordsOf = (number: number): Uint32Array => new Uint32Array([0xabc, 0, 0, number]);
const idOf = (number: number): string => idToText(wordsOf(number));

interface Made {
  readonly path: string;
  readonly slots: ReadonlyMap<number, number>;
  readonly file: DiskJournalFile;
}

/** A journal with a payment in each state, and one whose slot is free again. Not closed yet. */
function make(context: TestContext): Made {
  const path = join(directoryOf(context), 'journal');
  const file = new DiskJournalFile(path, fileBytes(SLOTS));
  const ring = new Ring(SLOTS, 1);
  const journal = new Journal(file, ring, 'never');
  journal.format(7, { instance: 1, instances: 2 });
  const slots = new Map<number, number>();
  for (const number of [HELD, PINNED, CHARGED, DOUBTFUL, GIVEN_UP, RELEASED]) {
    const slot = ring.hold(wordsOf(number), 1_990 + number, ACCEPTED_MS + number);
    slots.set(number, slot);
    if (number === DOUBTFUL) ring.doubt[slot] = IN_DOUBT;
    journal.hold(slot);
    if (number === GIVEN_UP) journal.giveUp(slot, true);
    if (number !== PINNED && number !== CHARGED) continue;
    ring.pin(slot, number === PINNED ? 0 : 1, REQUESTED_MS);
    journal.pin(slot);
    if (number === CHARGED) journal.charged(slot);
  }
  journal.release(slots.get(RELEASED) as number);
  return { path, slots, file };
}

function closed(context: TestContext): Made {
  const made = make(context);
  made.file.close();
  return made;
}

/** Reads it, and checks that the file is as it was. */
async function read(path: string, ...words: readonly string[]): Promise<Ended> {
  const [before, { mtimeMs }] = [readFileSync(path), statSync(path)];
  const found = await payments(['journal', path, ...words]);
  assert.ok(readFileSync(path).equals(before));
  assert.equal(statSync(path).mtimeMs, mtimeMs);
  return found;
}

interface Printed {
  readonly isInUse: boolean;
  readonly header: Readonly<Record<string, unknown>> | null;
  readonly slots: number;
  readonly missingSlots: number;
  readonly damagedCells: number;
  readonly damagedSlots: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
  readonly released: number;
  readonly releasedSlots: readonly number[];
  readonly payments: readonly Readonly<Record<string, unknown>>[];
}

async function parsed(path: string, ...words: readonly string[]): Promise<Printed> {
  const { code, out, err } = await read(path, '--json', ...words);
  assert.equal(code, 0, err);
  return JSON.parse(out) as Printed;
}

const place = (made: Made, number: number, cell: 0 | 1): number =>
  HEADER_BYTES + (made.slots.get(number) as number) * SLOT_BYTES + cell * (SLOT_BYTES / 2);

function damage(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 255;
  writeFileSync(path, bytes);
}

test('a stopped journal has its payments with what it says of each', async (context) => {
  const made = closed(context);
  const found = await parsed(made.path);
  assert.equal(found.isInUse, false);
  assert.deepEqual(
    [found.header?.['instance'], found.header?.['instances'], found.slots],
    [1, 2, SLOTS],
  );
  assert.deepEqual(found.counts, {
    held: 1,
    pinned: 1,
    charged: 1,
    'in doubt': 1,
    'giving up': 1,
  });
  assert.deepEqual([found.released, found.damagedCells, found.missingSlots], [1, 0, 0]);
  const requestedAt = new Date(REQUESTED_MS).toISOString();
  const expected = [
    [HELD, { state: 'held' }],
    [PINNED, { state: 'pinned', processor: 'default', requestedAt }],
    [CHARGED, { state: 'charged', processor: 'fallback', requestedAt }],
    [DOUBTFUL, { state: 'in doubt' }],
    [GIVEN_UP, { state: 'giving up', mayBeCharged: true }],
  ] as const;
  assert.deepEqual(
    found.payments,
    expected.map(([number, state]) => ({
      correlationId: idOf(number),
      amountCents: 1_990 + number,
      acceptedAt: new Date(ACCEPTED_MS + number).toISOString(),
      slot: made.slots.get(number),
      ...state,
    })),
  );
});

test('as text it fits 80 columns; --limit shows the oldest', async (context) => {
  const { path } = closed(context);
  const all = await read(path);
  assert.match(all.out, new RegExp(`^${idOf(GIVEN_UP)}  giving up, may be charged`, 'm'));
  const { code, out, err } = await read(path, '--limit', '2');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^instance {2}1 of 2, nothing was sent from it yet$/m);
  assert.match(out, /^payments {2}held 1, pinned 1, charged 1, in doubt 1, giving up 1$/m);
  assert.match(out, /^released {2}1 free slots/m);
  assert.match(out, /^the oldest 2 of 5; --limit shows more:$/m);
  assert.match(out, new RegExp(`^${idOf(PINNED)}  pinned +19\\.92  default`, 'm'));
  assert.doesNotMatch(out, new RegExp(idOf(CHARGED)));
  const wide = out.split('\n').filter((line) => line.length > 80 && !line.startsWith('journal'));
  assert.deepEqual(wide, []);
});

test('--id finds a payment, also one that is released; else it ends with 1', async (context) => {
  const made = closed(context);
  const pinned = await parsed(made.path, '--id', idOf(PINNED).toUpperCase());
  assert.deepEqual(
    pinned.payments.map(({ state }) => state),
    ['pinned'],
  );
  const released = await read(made.path, '--id', idOf(RELEASED));
  assert.equal(released.code, 0);
  assert.match(released.out, /^slot \d+ held \S+ last: it was recorded/m);
  const other = await read(made.path, '--id', idOf(99));
  assert.equal(other.code, 1);
  assert.match(other.err, /the journal has no payment/);
});

test('a journal that is in use is read all the same, with a warning; a copy is not', async (context) => {
  const made = make(context);
  const { code, out, err } = await read(made.path);
  assert.equal(code, 0);
  assert.match(err, new RegExp(`process ${process.pid} has this journal open`));
  assert.match(out, /held 1, pinned 1/);
  const copy = `${made.path}-copy`;
  copyFileSync(made.path, copy);
  assert.equal((await parsed(copy)).isInUse, false);
  made.file.close();
  // The command left no lock behind, and took none.
  new DiskJournalFile(made.path, fileBytes(SLOTS)).close();
});

test('damaged cells are counted, and what they may hide is in doubt', async (context) => {
  const made = closed(context);
  damage(made.path, place(made, HELD, 0) + 20);
  damage(made.path, place(made, PINNED, 0) + 20);
  const found = await parsed(made.path);
  assert.equal(found.damagedCells, 2);
  assert.deepEqual(found.damagedSlots, [made.slots.get(HELD), made.slots.get(PINNED)]);
  assert.deepEqual(found.counts, {
    held: 0,
    pinned: 1,
    charged: 1,
    'in doubt': 2,
    'giving up': 1,
  });
});

test('behind a damaged header the payments are found', async (context) => {
  const made = closed(context);
  damage(made.path, 20);
  assert.equal((await parsed(made.path)).header?.['instance'], 1);
  damage(made.path, HEADER_BYTES / 2 + 20);
  const { out } = await read(made.path);
  assert.match(out, /^header {4}damaged: "npm run operate -- repair" makes it anew$/m);
  assert.match(out, new RegExp(idOf(CHARGED)));
});

test('a journal that is cut short shows what is left', async (context) => {
  const made = closed(context);
  truncateSync(made.path, HEADER_BYTES + 10 * SLOT_BYTES + 5);
  const { missingSlots, payments: found } = await parsed(made.path);
  assert.equal(missingSlots, SLOTS - 10);
  assert.equal(found.length, 5);
});

test('a journal of version 1, which has one header and no number of instances, is read', async (context) => {
  const { path } = closed(context);
  const bytes = readFileSync(path);
  bytes.fill(0, HEADER_BYTES / 2, HEADER_BYTES);
  bytes.writeUInt32LE(1, 12);
  bytes.writeUInt32LE(0, 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(4, HEADER_BYTES)), 0);
  writeFileSync(path, bytes);
  const { code, out } = await read(path);
  assert.equal(code, 0);
  assert.match(out, /^instance {2}1$/m);
  assert.match(out, new RegExp(`^${idOf(CHARGED)}  charged`, 'm'));
});

test('another version, and what is no journal, are named', async (context) => {
  const { path } = closed(context);
  const bytes = readFileSync(path);
  for (const copy of [0, HEADER_BYTES / 2]) {
    bytes.writeUInt32LE(3, copy + 12);
    bytes.writeUInt32LE(crc32(bytes.subarray(copy + 4, copy + HEADER_BYTES / 2)), copy);
  }
  writeFileSync(path, bytes);
  const newer = await read(path);
  assert.equal(newer.code, 2);
  assert.match(newer.err, /\/journal has version 3, this program reads 2$/m);
  writeFileSync(path, 'no journal');
  const other = await read(path);
  assert.deepEqual([other.code, other.out], [2, '']);
  assert.match(other.err, /is not a journal/);
  const missing = await payments(['journal', `${path}-missing`]);
  assert.equal(missing.code, 2);
  assert.match(missing.err, /can not be read: ENOENT/);
  assert.equal(statSync(`${path}-missing`, { throwIfNoEntry: false }), undefined);
});
