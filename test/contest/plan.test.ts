import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf, TESTS } from '../../tools/contest/plan.ts';

/** [s, default's delay, whether it fails, fallback's delay, whether it fails] */
const rowsOf = (name: 'preview' | 'final'): unknown[] =>
  TESTS[name].stages.map(({ atMs, levers: [onDefault, onFallback] }) => [
    atMs / 1_000,
    onDefault.delayMs,
    onDefault.failing,
    onFallback.delayMs,
    onFallback.failing,
  ]);

test('the stages are those of the contest', () => {
  assert.deepEqual(rowsOf('preview'), [
    [1, 0, false, 0, false],
    [10, 100, false, 0, false],
    [20, 100, true, 0, false],
    [30, 2000, true, 1000, true],
    [40, 20, false, 20, false],
    [50, 0, false, 5000, false],
  ]);
  assert.deepEqual(rowsOf('final'), [
    [1, 0, false, 0, false],
    [30, 1000, false, 0, false],
    [60, 500, false, 0, false],
    [90, 2000, true, 1000, false],
    [120, 5000, true, 5, false],
    [150, 0, false, 5, true],
    [180, 100, false, 5, false],
    [210, 50, false, 0, false],
    [240, 103, false, 10, false],
    [270, 2000, false, 0, false],
  ]);
});

test('at scale 1 a plan is the test itself', () => {
  for (const name of ['preview', 'final'] as const) {
    assert.deepEqual(planOf(name, 1), {
      ...TESTS[name],
      rates: null,
      disturbances: [],
      scale: 1,
      readyEveryMs: 5_000,
    });
  }
});

test('a scale shortens times and offsets, but no delay, amount or lag of the checker', () => {
  const plan = planOf('preview', 0.2);
  assert.equal(plan.durationMs, 12_000);
  assert.equal(plan.checkEveryMs, 2_000);
  assert.equal(plan.readyEveryMs, 1_000);
  assert.equal(plan.checkToMs, 1_500);
  assert.equal(plan.checkFromMs, 1_500 + 2_700);
  assert.equal(plan.usersMax, 550);
  assert.deepEqual(
    plan.stages.map(({ atMs }) => atMs),
    [200, 2_000, 4_000, 6_000, 8_000, 10_000],
  );
  assert.deepEqual(
    plan.stages.map(({ levers }) => levers),
    TESTS.preview.stages.map(({ levers }) => levers),
  );
});
