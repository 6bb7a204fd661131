// The Bloom filter of settled ids: it knows every id that was added, and seldom one that was not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BloomFilter } from '../../src/buffer/bloom-filter.ts';
import { AGAIN, Random } from './seed.ts';

const MIB = 1024 * 1024;
/** Of the 64 bytes of a block 4 are no bits of ids. */
const IDS_PER_MIB = Math.floor((8 * MIB * 15) / 16 / 13);

const kindsOfIds: Readonly<Record<string, (n: number) => Uint32Array>> = {
  counters: (n) => Uint32Array.of(0, 0, 0, n),
  'random ones': (n) => new Random(n * 7919 + 1).id(),
};

for (const [kind, makeId] of Object.entries(kindsOfIds)) {
  test(`with ids that are ${kind} every settled one is known, and at 13 bits each 1 new one in 80 at most is asked about`, () => {
    const filter = new BloomFilter(1, new Random().word());
    for (let n = 0; n < IDS_PER_MIB; n++) filter.add(makeId(n));
    for (let n = 0; n < IDS_PER_MIB; n++) assert.ok(filter.mayHave(makeId(n)), `id ${n} ${AGAIN}`);
    let imagined = 0;
    const fresh = 200_000;
    for (let n = 0; n < fresh; n++) if (filter.mayHave(makeId(IDS_PER_MIB + n))) imagined++;
    assert.ok(imagined < fresh / 80, `${imagined} of ${fresh} ${AGAIN}`);
    const { ids } = filter;
    assert.ok(Math.abs(ids / IDS_PER_MIB - 1) < 0.03, `about ${ids} ids ${AGAIN}`);
  });
}

test('an id is read from its own place among others', () => {
  const filter = new BloomFilter(1, 1);
  filter.add(Uint32Array.of(9, 9, 9, 9, 1, 2, 3, 4), 4);
  assert.ok(filter.mayHave(Uint32Array.of(1, 2, 3, 4)));
  assert.ok(filter.mayHave(Uint32Array.of(0, 1, 2, 3, 4), 1));
  assert.ok(!filter.mayHave(Uint32Array.of(9, 9, 9, 9)));
});

test('a cleared filter knows no id', () => {
  const filter = new BloomFilter(1, 1);
  const random = new Random();
  const ids = Array.from({ length: 1000 }, () => random.id());
  for (const id of ids) filter.add(id);
  filter.clear();
  for (const id of ids) assert.ok(!filter.mayHave(id), AGAIN);
});

test('the filter is small at first, grows with its ids, and never beyond the size that it was given', () => {
  const filter = new BloomFilter(4, 1);
  const id = new Uint32Array(4);
  const sizes = new Set([filter.bytes / MIB]);
  const before = process.memoryUsage().arrayBuffers;
  const most = 4 * IDS_PER_MIB;
  for (let n = 0; n < most; n++) {
    id[3] = n;
    filter.add(id);
    sizes.add(filter.bytes / MIB);
  }
  assert.deepEqual([...sizes], [1, 3, 4]);
  for (let n = most; n < most * 1.1; n++) {
    id[3] = n;
    filter.add(id);
  }
  assert.ok(filter.isFull);
  assert.equal(filter.bytes, 4 * MIB);
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * MIB);
  // Overfull it asks more often, and still never forgets.
  for (let n = 0; n < most * 1.1; n++) {
    id[3] = n;
    assert.ok(filter.mayHave(id));
  }
});

test('an id that is added again changes nothing', () => {
  const filter = new BloomFilter(1, 1);
  const changed: number[][] = [];
  filter.onChange = (...block) => changed.push(block);
  const random = new Random();
  const ids = Array.from({ length: 1000 }, () => random.id());
  for (const id of ids) assert.equal(filter.add(id), true, AGAIN);
  const { bitsSet } = filter;
  assert.equal(changed.length, 1000);
  for (const id of ids) assert.equal(filter.add(id), false, AGAIN);
  assert.equal(changed.length, 1000);
  assert.equal(filter.bitsSet, bitsSet);
});
