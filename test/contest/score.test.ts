import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TESTS } from '../../tools/contest/plan.ts';
import type { ScoreInput } from '../../tools/contest/score.ts';
import { bonusPercent, ceilingOf, scoreOf } from '../../tools/contest/score.ts';

const run = (changes: Partial<ScoreInput> = {}): ScoreInput => ({
  settled: [
    { requests: 900, cents: 900 * 1_990 },
    { requests: 100, cents: 100 * 1_990 },
  ],
  feeBps: [500, 1_500],
  p99Ms: 1.25,
  inconsistent: false,
  accepted: 1_000,
  recorded: 1_000,
  charged: 1_000,
  ...changes,
});

test('the bonus is a staircase of one percent for each half millisecond', () => {
  const steps: [number, number][] = [
    [0, 22],
    [0.75, 21],
    [0.7501, 20],
    [1.25, 20],
    [1.2501, 19],
    [1.75, 19],
    [2.25, 18],
    [2.75, 17],
    [3.25, 16],
    [4.16, 14],
    [10.75, 1],
    [10.76, 0],
    [11, 0],
    [500, 0],
    [Infinity, 0],
  ];
  for (const [p99Ms, percent] of steps) assert.equal(bonusPercent(p99Ms), percent, `${p99Ms} ms`);
});

test('liquid, bonus and total are those computed by hand', () => {
  // 900 × 19.90 = 17,910.00 less 5 % = 895.50; 100 × 19.90 = 1,990.00 less 15 % = 298.50.
  const score = scoreOf(run());
  assert.equal(score.amountCents, 1_990_000);
  assert.equal(score.feeCents, 89_550 + 29_850);
  assert.equal(score.liquidCents, 1_870_600);
  assert.equal(score.bonusCents, 374_120);
  assert.equal(score.fineCents, 0);
  assert.equal(score.totalCents, 2_244_720);
  assert.equal(score.disqualified, null);
});

test('the fine is 35 % of liquid and leaves the bonus', () => {
  const score = scoreOf(run({ inconsistent: true, p99Ms: 3 }));
  assert.equal(score.fineCents, 654_710);
  assert.equal(score.bonusCents, 299_296);
  assert.equal(score.totalCents, 1_870_600 + 299_296 - 654_710);
});

test('half a cent is rounded up', () => {
  // 5 % of 19.90 is 99.5 cents.
  const settled = [
    { requests: 1, cents: 1_990 },
    { requests: 0, cents: 0 },
  ] as const;
  assert.equal(scoreOf(run({ settled })).feeCents, 100);
});

test('the ceiling of the preview is the one that was reached', () => {
  const { amountCents, feeBps } = TESTS.preview;
  assert.equal(ceilingOf(16_752, amountCents, feeBps), 38_003_587);
  assert.equal(ceilingOf(16_752, amountCents, feeBps, 4.16), 36_103_408);
});

test('charging or recording more than was accepted disqualifies', () => {
  assert.match(scoreOf(run({ charged: 1_001 })).disqualified ?? '', /1001 payments charged/);
  assert.match(scoreOf(run({ recorded: 1_001 })).disqualified ?? '', /1001 payments recorded/);
  assert.equal(scoreOf(run({ charged: 1_001 })).totalCents, 0);
  assert.equal(scoreOf(run({ charged: 990, recorded: 990 })).disqualified, null);
});

const someRun = fc
  .record({
    onDefault: fc.integer({ min: 0, max: 100_000 }),
    onFallback: fc.integer({ min: 0, max: 100_000 }),
    amountCents: fc.integer({ min: 1, max: 10_000 }),
    p99Ms: fc.double({ min: 0, max: 2_000, noNaN: true }),
    inconsistent: fc.boolean(),
  })
  .map(({ onDefault, onFallback, amountCents, p99Ms, inconsistent }) => ({
    ...run({ p99Ms, inconsistent }),
    settled: [
      { requests: onDefault, cents: onDefault * amountCents },
      { requests: onFallback, cents: onFallback * amountCents },
    ] as const,
    accepted: onDefault + onFallback,
    recorded: onDefault + onFallback,
    charged: onDefault + onFallback,
    amountCents,
  }));

test('every part is whole cents, they add up, and no run beats the best case of all on default', () => {
  fc.assert(
    fc.property(someRun, ({ amountCents, ...input }) => {
      const score = scoreOf(input);
      for (const part of Object.values(score)) assert.ok(part === null || Number.isInteger(part));
      assert.equal(score.liquidCents + score.feeCents, score.amountCents);
      assert.equal(score.totalCents, score.liquidCents + score.bonusCents - score.fineCents);
      const best = ceilingOf(input.accepted, amountCents, input.feeBps, input.p99Ms);
      // Two fees are rounded one by one: a cent of difference may remain, with the bonus two.
      assert.ok(score.totalCents <= best + 2);
    }),
    { seed: 20_250_817 },
  );
});

test('a payment moved to fallback, a slower p99 or a difference never pays', () => {
  fc.assert(
    fc.property(someRun, fc.double({ min: 0, max: 20, noNaN: true }), (input, slowerMs) => {
      const total = scoreOf(input).totalCents;
      assert.ok(scoreOf({ ...input, p99Ms: input.p99Ms + slowerMs }).totalCents <= total);
      assert.ok(scoreOf({ ...input, inconsistent: true }).totalCents <= total);
      const [onDefault, onFallback] = input.settled;
      const cents = input.amountCents;
      if (onDefault.requests === 0) return;
      const settled = [
        { requests: onDefault.requests - 1, cents: onDefault.cents - cents },
        { requests: onFallback.requests + 1, cents: onFallback.cents + cents },
      ] as const;
      assert.ok(scoreOf({ ...input, settled }).totalCents <= total + 2);
    }),
    { seed: 20_250_817 },
  );
});
