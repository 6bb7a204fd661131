// Waiting before another try.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doublingMs } from '../../src/clock.ts';
import { backoffMs } from '../../src/consumers/backoff.ts';

test('the first retry has its own pause, all later ones another', () => {
  const times = { firstMs: 10, nextMs: 20 };
  assert.deepEqual(
    [1, 2, 3, 100].map((declines) => backoffMs(declines, times)),
    [10, 20, 20, 20],
  );
});

test('a doubling pause grows from the first to the longest and never beyond, however often', () => {
  const pauses = [0, 1, 2, 3, 4, 5, 1_000, 1e9].map((tries) => doublingMs(tries, 50, 1_000));
  assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
});
