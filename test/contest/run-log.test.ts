import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyOf, percentile } from '../../tools/contest/latency.ts';
import { readRunLog, verdictOf } from '../../tools/contest/run-log.ts';
import type { Answer } from '../../tools/audit/totals.ts';
import { differenceOf, differs, standingOf } from '../../tools/audit/totals.ts';

const answer = (value: unknown): Answer => ({ status: 200, body: JSON.stringify(value) });
const totals = (totalRequests: number, totalAmount: number) => ({ totalRequests, totalAmount });
const answers = (shift = 0): [Answer, Answer, Answer] => [
  answer({ default: totals(10, 199), fallback: totals(2 + shift, 39.8 + shift * 19.9) }),
  answer(totals(10, 199)),
  answer(totals(2, 39.8)),
];

test('every line of the script comes back as what it says', () => {
  const log = readRunLog(
    [
      'P 1000 1.234 202 aa',
      `C ${JSON.stringify({ at: 1_100, fromMs: 50, toMs: 90, answers: answers(1) })}`,
      `S ${JSON.stringify({ at: 1_200, stage: 3, statuses: [200, 200, 200, 500] })}`,
      'P 2001 1500.000 0:1050 bb',
      `E ${JSON.stringify({ answers: answers() })}`,
      '',
    ].join('\n'),
  );
  assert.deepEqual(log.payments, [
    { id: 'aa', sentAtMs: 1_000, durationMs: 1.234, answer: '202', verdict: 'accepted' },
    { id: 'bb', sentAtMs: 2_001, durationMs: 1_500, answer: '0:1050', verdict: 'unknown' },
  ]);
  assert.deepEqual(log.stages, [{ atMs: 1_200, stage: 3, statuses: [200, 200, 200, 500] }]);
  const [check] = log.checks;
  assert.ok(check !== undefined && log.end !== null);
  assert.equal(check.toMs, 90);
  assert.deepEqual(differenceOf(check.standing), { requests: 1, cents: 1_990 });
  assert.deepEqual(differenceOf(log.end), { requests: 0, cents: 0 });
});

test('a line that nobody wrote is refused', () => {
  assert.throws(() => readRunLog('hello'), /unknown line/);
  assert.throws(() => readRunLog('P 1 2'), /not a payment/);
  assert.throws(() => readRunLog('C {"at":1}'), /without "fromMs"/);
});

test('only an answer that says so means that a payment was not taken', () => {
  for (const status of ['200', '201', '202', '204']) assert.equal(verdictOf(status), 'accepted');
  for (const status of ['400', '409', '422', '503']) assert.equal(verdictOf(status), 'refused');
  for (const status of ['500', '502', '504', '0:1050', '0:1212', '301']) {
    assert.equal(verdictOf(status), 'unknown');
  }
});

test('money that moved to the other processor is a difference, and so is a cent', () => {
  const compare = (fallback: unknown) =>
    differenceOf(
      standingOf([
        answer({ default: totals(10, 199), fallback }),
        answer(totals(11, 218.9)),
        answer(totals(1, 19.9)),
      ]),
    );
  assert.deepEqual(compare(totals(2, 39.8)), { requests: 2, cents: 3_980 });
  const cent = standingOf([answers()[0], answers()[1], answer(totals(2, 39.81))]);
  assert.ok(differs(differenceOf(cent)));
});

test('sums that a double cannot hold exactly are still the right cents', () => {
  const { backend } = standingOf([
    answer({ default: totals(3, 0.1 + 0.2), fallback: totals(1, 415_542_345.98) }),
    answer(totals(0, 0)),
    answer(totals(0, 0)),
  ]);
  assert.deepEqual(backend, [
    { requests: 3, cents: 30 },
    { requests: 1, cents: 41_554_234_598 },
  ]);
});

test('an error, a non-answer and a strange body compare with nothing', () => {
  const good = answers();
  for (const bad of [
    { status: 500, body: '{}' },
    { status: 0, body: null },
    { status: 200, body: '<html>' },
    answer({ default: totals(1, 1) }),
  ]) {
    const standing = standingOf([bad, good[1], good[2]]);
    assert.equal(standing.backend, null);
    assert.equal(differenceOf(standing), null);
    assert.equal(differs(differenceOf(standing)), false);
  }
});

test('percentiles lie between the two nearest ranks', () => {
  assert.equal(percentile([], 0.99), null);
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([10, 20, 30, 40], 0.5), 25);
  const hundred = Array.from({ length: 101 }, (_, i) => i);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.deepEqual(latencyOf(hundred.toReversed()), {
    count: 101,
    p50Ms: 50,
    p90Ms: 90,
    p99Ms: 99,
    maxMs: 100,
  });
});
