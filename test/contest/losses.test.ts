import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bonusOf, lossesOf } from '../../tools/contest/losses.ts';
import { bonusPercent, ceilingOf, scoreOf, type ScoreInput } from '../../tools/contest/score.ts';

const RUN = fc.record({
  onDefault: fc.integer({ min: 0, max: 50_000 }),
  onFallback: fc.integer({ min: 0, max: 50_000 }),
  left: fc.integer({ min: -2, max: 5_000 }),
  p99Ms: fc.double({ min: 0.1, max: 20, noNaN: true }),
  inconsistent: fc.boolean(),
});

const AMOUNT_CENTS = 1_990;
const FEES = [500, 1_500] as const;

const totals = (requests: number) => ({ requests, cents: requests * AMOUNT_CENTS });

function inputOf(run: { onDefault: number; onFallback: number; left: number }): ScoreInput {
  const all = run.onDefault + run.onFallback;
  return {
    settled: [totals(run.onDefault), totals(run.onFallback)],
    feeBps: FEES,
    p99Ms: 0,
    inconsistent: false,
    accepted: Math.max(0, all + run.left),
    recorded: all,
    charged: all,
  };
}

test('the losses add up to the ceiling less the score, to the cent', () => {
  fc.assert(
    fc.property(RUN, ({ p99Ms, inconsistent, ...run }) => {
      const input = { ...inputOf(run), p99Ms, inconsistent };
      const score = scoreOf(input);
      const losses = lossesOf({ ...input, amountCents: AMOUNT_CENTS, score });
      const sum = losses.reduce((cents, loss) => cents + loss.cents, 0);
      assert.equal(sum, ceilingOf(input.accepted, AMOUNT_CENTS, FEES) - score.totalCents);
    }),
    { seed: 20_251_124 },
  );
});

test('a step of the bonus is where the bonus changes', () => {
  const score = scoreOf({ ...inputOf({ onDefault: 100, onFallback: 0, left: 0 }), p99Ms: 3.4 });
  const { exactPercent, better, worse } = bonusOf(score, 3.4);
  assert.ok(Math.abs(exactPercent - 15.2) < 1e-9);
  assert.ok(better !== null && worse !== null);
  assert.equal(bonusPercent(better.p99Ms), better.percent);
  assert.equal(bonusPercent(better.p99Ms + 0.01), score.bonusPercent);
  assert.equal(bonusPercent(worse.p99Ms + 0.01), worse.percent);
  assert.equal(better.scoreCents - score.totalCents, Math.round(score.liquidCents / 100));
});

test('beyond the bonus and without any p99 there is no worse step', () => {
  const score = scoreOf({ ...inputOf({ onDefault: 1, onFallback: 0, left: 0 }), p99Ms: 50 });
  assert.equal(bonusOf(score, 50).worse, null);
  assert.equal(bonusOf(score, 50).better?.percent, 1);
  assert.deepEqual(bonusOf(score, Infinity), { exactPercent: 0, better: null, worse: null });
});
