// The replay of the contest's tests: it is exact enough to choose settings by, and the shipped
// settings earn what we say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepClock } from '../../bench/contest/step-clock.ts';
import { StagedProcessor } from '../../bench/contest/staged-processor.ts';
import { arrivalsOf, best, replay } from '../../bench/contest/replay.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { TESTS, type ContestTest } from '../../tools/contest/plan.ts';
import { chargeNumber } from '../gateways/rude-fixture.ts';

/** A tenth of the users: what doesn't depend on their number is seen sooner. */
const few = (contest: ContestTest): ContestTest => ({
  ...contest,
  usersMax: Math.ceil(contest.usersMax / 10),
});

async function steps(clock: StepClock, untilMs: number): Promise<void> {
  while (clock.elapsed() < untilMs) await clock.step(() => {});
}

test('as many payments arrive as in the contest', () => {
  assert.equal(Math.round(arrivalsOf(TESTS.preview).length / 100), 168);
  assert.equal(Math.round(arrivalsOf(TESTS.final).length / 100), 906);
});

test('a processor sleeps, then looks whether it fails, then stores; who gives up stops nothing', async () => {
  const clock = new StepClock();
  const processor = new StagedProcessor(clock);
  processor.lever = { delayMs: 100, failing: false };
  const patient = processor.charge(chargeNumber(1), 1_000);
  const hasty = processor.charge(chargeNumber(2), 50);
  await steps(clock, 60);
  assert.equal((await hasty).outcome, 'unknown');
  const looked = processor.lookup(chargeNumber(2).correlationId, 50);
  assert.equal((await processorAnswer(clock, looked)).held, 'absent');
  await steps(clock, 200);
  assert.equal((await patient).outcome, 'charged');
  assert.equal(processor.stored.size, 2);
  const outcomeOf = async (n: number): Promise<Outcome> =>
    (await processorAnswer(clock, processor.charge(chargeNumber(n), 1_000))).outcome;
  assert.equal(await outcomeOf(2), 'duplicate');
  processor.lever = { delayMs: 0, failing: true };
  assert.equal(await outcomeOf(3), 'declined');
});

/** The answer, however much time it takes. */
async function processorAnswer<T>(clock: StepClock, answer: Promise<T>): Promise<T> {
  await steps(clock, clock.elapsed() + 1_000);
  return answer;
}

test('800 at once, 500 in the queue, and what comes then is refused', async () => {
  const clock = new StepClock();
  const processor = new StagedProcessor(clock);
  processor.lever = { delayMs: 100, failing: false };
  const answers = Array.from({ length: 1_310 }, (_, n) => processor.charge(chargeNumber(n), 5_000));
  await steps(clock, 110);
  assert.equal(processor.stored.size, 800);
  assert.equal(processor.refused, 10);
  await steps(clock, 300);
  const outcomes = await Promise.all(answers);
  assert.equal(outcomes.filter(({ outcome }) => outcome === 'charged').length, 1_300);
});

test('the same replay gives the same result', async () => {
  const short = few(TESTS.preview);
  assert.deepEqual(await replay(short, {}), await replay(short, {}));
});

for (const [name, leastShare] of [
  // Two payments of each instance fail alone when an outage begins, and go to fallback: four of
  // 1,680 here.
  ['preview', 0.9997],
  ['final', 0.988],
] as const) {
  test(`${name}: nothing is left over, and next to nothing is lost to fees`, async () => {
    const contest = few(TESTS[name]);
    const result = await replay(contest, {});
    assert.equal(result.accepted, arrivalsOf(contest).length);
    assert.equal(result.left, 0);
    assert.ok(result.share >= leastShare, `${result.share}`);
    assert.ok(result.share <= best(contest, Number.POSITIVE_INFINITY).share + 1e-9);
    assert.equal(result.onDefault + result.onFallback, result.accepted);
  });
}
