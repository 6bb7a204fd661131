// The memory of settled ids: never forgets one, seldom imagines one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettledFilter } from '../../src/buffer/settled-filter.ts';
import { AGAIN, Random } from './seed.ts';

const MIB_BITS = 8 * 1024 * 1024;

const kindsOfIds: Readonly<Record<string, (n: number) => Uint32Array>> = {
  counters: (n) => Uint32Array.of(0, 0, 0, n),
  'random ones': (n) => new Random(n * 7919 + 1).id(),
};

for (const [kind, makeId] of Object.entries(kindsOfIds)) {
  test(`with ids that are ${kind} every settled one is known, and at 13 bits each 1 new one in 200 at most is asked about`, () => {
    const filter = new SettledFilter(1, new Random().word());
    const settled = Math.floor(MIB_BITS / 13);
    for (let n = 0; n < settled; n++) filter.add(makeId(n));
    for (let n = 0; n < settled; n++) assert.ok(filter.mayHave(makeId(n)), `id ${n} ${AGAIN}`);
    let imagined = 0;
    const fresh = 200_000;
    for (let n = settled; n < settled + fresh; n++) if (filter.mayHave(makeId(n))) imagined++;
    assert.ok(imagined < fresh / 200, `${imagined} of ${fresh} ${AGAIN}`);
  });
}

test('an id is read from its own place among others', () => {
  const filter = new SettledFilter(1, 1);
  filter.add(Uint32Array.of(9, 9, 9, 9, 1, 2, 3, 4), 4);
  assert.ok(filter.mayHave(Uint32Array.of(1, 2, 3, 4)));
  assert.ok(filter.mayHave(Uint32Array.of(0, 1, 2, 3, 4), 1));
  assert.ok(!filter.mayHave(Uint32Array.of(9, 9, 9, 9)));
});

test('cleared, it knows nothing', () => {
  const filter = new SettledFilter(1, 1);
  const random = new Random();
  const ids = Array.from({ length: 1000 }, () => random.id());
  for (const id of ids) filter.add(id);
  filter.clear();
  for (const id of ids) assert.ok(!filter.mayHave(id), AGAIN);
});

test('its memory is what it was given, however many ids it takes', () => {
  const filter = new SettledFilter(4, 1);
  const id = new Uint32Array(4);
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 1_000_000; n++) {
    id[3] = n;
    filter.add(id);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  // Overfull it asks more often, and still never forgets.
  for (let n = 0; n < 1_000_000; n++) {
    id[3] = n;
    assert.ok(filter.mayHave(id));
  }
});
