// The search for the highest rate that holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { highestHeld, nextRate, type Search, type Tried } from '../../bench/sustained/search.ts';

function searched(plan: Search, holds: (rate: number) => boolean): Tried[] {
  const tried: Tried[] = [];
  for (;;) {
    const rate = nextRate(plan, tried);
    if (rate === undefined) return tried;
    tried.push({ rate, holds: holds(rate) });
  }
}

const PLAN = { first: 550, gap: 0.05, runsMax: 20 };

test('it doubles, then halves the gap', () => {
  const tried = searched(PLAN, (rate) => rate <= 5_200);
  assert.deepEqual(
    tried.map(({ rate }) => rate),
    [550, 1_100, 2_200, 4_400, 8_800, 6_600, 5_500, 4_950, 5_250, 5_100],
  );
  assert.equal(highestHeld(tried), 5_100);
});

test('wherever the limit is, it is found within the gap, or the runs are used up', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 50, max: 40_000 }),
      fc.integer({ min: 1, max: 20 }),
      (limit, most) => {
        const tried = searched({ ...PLAN, runsMax: most }, (rate) => rate <= limit);
        assert.ok(tried.length <= most);
        const held = highestHeld(tried);
        if (held !== undefined) assert.ok(held <= limit);
        if (tried.length === most) return;
        assert.ok(held !== undefined);
        assert.ok(limit < held + Math.max(100, 0.05 * held), `${held} of ${limit}`);
      },
    ),
  );
});

test('where not even the least rate holds, it ends without one', () => {
  const tried = searched(PLAN, () => false);
  assert.equal(highestHeld(tried), undefined);
  assert.equal(tried.at(-1)?.rate, 50);
});

test('a rate that was tried twice holds if its last run did', () => {
  const tried = [
    { rate: 550, holds: true },
    { rate: 1_100, holds: false },
    { rate: 1_100, holds: true },
  ];
  assert.equal(highestHeld(tried), 1_100);
  assert.equal(nextRate(PLAN, tried), 2_200);
});

test('a rate that held above one that failed does not count', () => {
  const tried = [
    { rate: 550, holds: true },
    { rate: 1_100, holds: false },
    { rate: 2_200, holds: true },
  ];
  assert.equal(highestHeld(tried), 550);
});
