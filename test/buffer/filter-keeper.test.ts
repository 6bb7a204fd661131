// The Bloom filter's file: a start takes it only if it has every settled id.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BloomFilter } from '../../src/buffer/bloom-filter.ts';
import { encodeFilterHeader, FILTER_HEADER_BYTES } from '../../src/buffer/filter-header.ts';
import { readFilterHeader } from '../../src/buffer/filter-file.ts';
import { FilterKeeper } from '../../src/buffer/filter-keeper.ts';
import { Journal } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { systemClock } from '../../src/clock.ts';
import { waitUntil } from '../world/wait-until.ts';
import { fileBytes } from './held-model.ts';
import { MemoryFilterFile } from './memory-filter-file.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';
import { AGAIN, Random } from './seed.ts';

const PLACE = { instance: 0, instances: 2 };
/** 128 blocks: 32, 64 and 32. */
const MIB = 2 ** -7;
const LEDGER = '10000000-0000-0000-0000-000000000002';
const SLOTS = 1;

interface Files {
  readonly journalFile: MemoryJournalFile;
  readonly file: MemoryFilterFile;
}

function makeFiles(): Files {
  const journalFile = new MemoryJournalFile(fileBytes(SLOTS));
  const journal = new Journal(journalFile, new Ring(SLOTS, 1), 'never');
  journal.format(1, PLACE);
  journal.writeHeader({ ...journal.header, ledgerId: LEDGER });
  return { journalFile, file: new MemoryFilterFile() };
}

const onFatal = (error: unknown): void => assert.fail(String(error));

/** One life of a process with these files. */
function live({ journalFile, file }: Files, place = PLACE) {
  const said: string[] = [];
  const say = (event: string): unknown => said.push(event);
  const filter = new BloomFilter(MIB, new Random().word());
  const journal = new Journal(journalFile, new Ring(SLOTS, 1), 'never');
  const log = { info: say, warn: say, error: say };
  const keeper = new FilterKeeper({
    clock: systemClock,
    log,
    onFatal,
    file,
    filter,
    journal,
    place,
  });
  const why = keeper.load(journal.readHeader());
  journal.recover();
  return { filter, journal, keeper, why, said };
}

const notOver = (): boolean => false;
const idsOf = (random: Random, count: number): Uint32Array[] =>
  Array.from({ length: count }, () => random.id());

/** Files that a process has left after it had kept `ids`. */
async function kept(ids: readonly Uint32Array[]): Promise<Files> {
  const files = makeFiles();
  const { filter, keeper, journal } = live(files);
  for (const id of ids.slice(0, ids.length / 2)) filter.add(id);
  await keeper.write(notOver);
  assert.ok(keeper.isTrusted);
  for (const id of ids.slice(ids.length / 2)) filter.add(id);
  journal.writeHeader(journal.header);
  return files;
}

test(`a next process knows every id that was added before the file was written, and since ${AGAIN}`, async () => {
  const ids = idsOf(new Random(), 2_000);
  const files = await kept(ids);
  const { filter, keeper, why } = live(files);
  assert.equal(why, undefined);
  assert.ok(keeper.isTrusted);
  for (const id of ids) assert.ok(filter.mayHave(id), AGAIN);
  assert.ok(Math.abs(filter.ids - ids.length) < 100);
  const more = idsOf(new Random(5), 100);
  for (const id of more) filter.add(id);
  const next = live(files);
  for (const id of [...ids, ...more]) assert.ok(next.filter.mayHave(id), AGAIN);
});

test(`it grows in the file, too ${AGAIN}`, async () => {
  const ids = idsOf(new Random(), 4_500);
  const files = makeFiles();
  const { filter, keeper } = live(files);
  await keeper.write(notOver);
  let added = 0;
  for (const segments of [2, 3]) {
    while (filter.segments.at(-1)?.isFull === false) filter.add(ids[added++] as Uint32Array);
    await waitUntil('there is another segment', () => filter.segments.length === segments);
  }
  for (const id of ids.slice(added)) filter.add(id);
  const next = live(files);
  assert.equal(next.why, undefined);
  assert.deepEqual(
    next.filter.segments.map(({ blocks }) => blocks),
    [32, 64, 32],
  );
  for (const id of ids) assert.ok(next.filter.mayHave(id), AGAIN);
});

/** Writes the header again with other words in it, whole. */
function rewrite(file: MemoryFilterFile, changes: Readonly<Record<string, unknown>>): void {
  const header = readFilterHeader(file);
  assert.ok(header);
  file.write(encodeFilterHeader({ ...header, ...changes }), 0);
}

const flip = (file: MemoryFilterFile, at: number): void => {
  file.bytes[at] = (file.bytes[at] as number) ^ 1;
};

const other = '30000000-0000-0000-0000-000000000009';
const DAMAGES: readonly (readonly [string, RegExp, (file: MemoryFilterFile) => void])[] = [
  ['is missing', /no file/, (file) => file.empty()],
  ['has a damaged header', /header is damaged/, (file) => flip(file, 100)],
  ['has a damaged block', /block .* damaged/, (file) => flip(file, FILTER_HEADER_BYTES + 7)],
  ['has a damaged checksum', /block .* damaged/, (file) => flip(file, FILTER_HEADER_BYTES + 62)],
  [
    'has a hole',
    /block .* damaged/,
    (file) => file.bytes.fill(0, FILTER_HEADER_BYTES + 640, FILTER_HEADER_BYTES + 704),
  ],
  [
    'is cut short',
    /block .* damaged/,
    (file) => {
      file.bytes = file.bytes.subarray(0, file.bytes.length - 1);
    },
  ],
  [
    'has two blocks exchanged',
    /block .* damaged/,
    ({ bytes }) => {
      const [one, two] = [FILTER_HEADER_BYTES, FILTER_HEADER_BYTES + 64];
      const first = Buffer.from(bytes.subarray(one, two));
      bytes.copyWithin(one, two, two + 64);
      bytes.set(first, two);
    },
  ],
  ['is of another boot', /machine was started/, (file) => rewrite(file, { bootId: other })],
  ['is of another ledger', /ledger/, (file) => rewrite(file, { ledgerId: other })],
  ['is of another instance', /another instance/, (file) => rewrite(file, { instance: 1 })],
  ['is of another count', /another instance/, (file) => rewrite(file, { instances: 3 })],
  ['has another id', /another journal/, (file) => rewrite(file, { id: 0.5 })],
];

for (const [what, why, damage] of DAMAGES) {
  test(`a file that ${what} is not trusted, and is written anew`, async () => {
    const ids = idsOf(new Random(), 500);
    const files = await kept(ids);
    damage(files.file);
    const { filter, keeper, journal, why: told } = live(files);
    assert.match(String(told), why);
    assert.ok(!keeper.isTrusted);
    // A kill now must not bring it back.
    assert.equal(journal.header.filterId, 0);
    for (const id of ids) filter.add(id);
    await keeper.write(notOver);
    assert.equal(live(files).why, undefined);
  });
}

test('an older copy of the file is not trusted', async () => {
  const ids = idsOf(new Random(), 500);
  const files = await kept(ids);
  const older = Buffer.from(files.file.bytes);
  const { filter, journal } = live(files);
  filter.add(new Random(9).id());
  // As with each mark.
  journal.writeHeader(journal.header);
  files.file.bytes = older;
  assert.match(String(live(files).why), /older copy/);
});

test('after a purge, and while the file is being written, a kill leaves no file that is trusted', async () => {
  const files = await kept(idsOf(new Random(), 500));
  const { filter, keeper } = live(files);
  keeper.distrust();
  filter.clear();
  assert.match(String(live(files).why), /not complete/);
  const writing = live(files);
  const written = writing.keeper.write(notOver);
  assert.match(String(live(files).why), /not complete/);
  await written;
});

test("without the machine's boot id nothing is kept", async () => {
  const files = makeFiles();
  files.file.bootId = '';
  const { keeper } = live(files);
  await keeper.write(notOver);
  assert.ok(!keeper.isTrusted);
  assert.equal(files.file.writes, 0);
});

test(`whatever write fails, and however much of it arrives, no file is trusted that lacks an id ${AGAIN}`, async () => {
  const random = new Random();
  let trusted = 0;
  for (let round = 0; round < 300; round++) {
    const files = makeFiles();
    const ids = idsOf(random, 60);
    const { filter, keeper, said } = live(files);
    const failsAt = random.below(80);
    const fail = (): void => {
      if (files.file.writes >= failsAt) files.file.tearAfter = random.below(65);
    };
    for (const id of ids.slice(0, 20)) filter.add(id);
    fail();
    await keeper.write(notOver);
    for (const id of ids.slice(20)) {
      fail();
      filter.add(id);
    }
    // It goes on in memory.
    for (const id of ids) assert.ok(filter.mayHave(id), AGAIN);
    const hasFailed = files.file.tearAfter !== undefined && said.length > 0;
    if (hasFailed) assert.deepEqual(said, ['settled ids can not be kept']);
    files.file.tearAfter = undefined;
    const next = live(files);
    if (next.why !== undefined) continue;
    trusted++;
    assert.ok(!hasFailed, AGAIN);
    for (const id of ids) assert.ok(next.filter.mayHave(id), AGAIN);
  }
  assert.ok(trusted > 10, `${trusted} of 300 ${AGAIN}`);
});
