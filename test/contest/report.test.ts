import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyOf } from '../../tools/contest/latency.ts';
import { planOf } from '../../tools/contest/plan.ts';
import { money, printedOf } from '../../tools/contest/printed.ts';
import type { Result } from '../../tools/contest/result.ts';
import { exitCodeOf, resultOf, sentOf } from '../../tools/contest/result.ts';
import { auditOf } from '../../tools/audit/audit.ts';
import type { RunLog } from '../../tools/contest/run-log.ts';
import { verdictOf } from '../../tools/contest/run-log.ts';
import { RUN_CONTEXT } from './recorded-run.ts';
import type { Standing, Totals } from '../../tools/audit/totals.ts';

const CENTS = 1_990;
const totals = (requests: number): Totals => ({ requests, cents: requests * CENTS });
const standing = (backend: number, processor: number): Standing => ({
  backend: [totals(backend), totals(0)],
  processors: [totals(processor), totals(0)],
});

interface Tale {
  readonly accepted?: number;
  readonly atEnd?: Standing | null;
  readonly check?: Standing;
  readonly lists?: boolean;
  readonly interrupted?: boolean;
}

/**
 * A preview in which 100 payments were accepted, one per 10 ms, and all went well, but for `tale`.
 */
function resultAfter(tale: Tale = {}): Result {
  const plan = planOf('preview', 1);
  const count = tale.accepted ?? 100;
  const payments = Array.from({ length: count }, (_, i) => ({
    id: `id-${i}`,
    sentAtMs: 5_000 + i * 10,
    durationMs: 1.25,
    answer: '202',
    verdict: verdictOf('202'),
  }));
  const log: RunLog = {
    payments,
    checks: [{ atMs: 6_000, fromMs: 0, toMs: 1, standing: tale.check ?? standing(5, 5) }],
    stages: plan.stages.map(({ atMs }, stage) => {
      return { atMs: 5_000 + atMs, stage, statuses: [200, 200, 200, 200] };
    }),
    end: tale.atEnd === undefined ? standing(100, 100) : tale.atEnd,
  };
  const held = [payments.map(({ id }) => ({ correlationId: id, amountCents: CENTS })), []] as const;
  const after = standing(count, count);
  const audit = auditOf(sentOf(payments, plan), tale.lists === false ? null : held, after);
  const latency = latencyOf(payments.map(({ durationMs }) => durationMs));
  const k6Run = { log, latency, notSent: 0, interrupted: tale.interrupted === true };
  return resultOf(plan, k6Run, { audit, standing: after, tookMs: 1_234 }, RUN_CONTEXT);
}

test('a good run has no fault, its full score, and ends with 0', () => {
  const result = resultAfter();
  assert.deepEqual(result.faults, []);
  assert.deepEqual(result.warnings, []);
  assert.equal(exitCodeOf(result), 0);
  // 100 × 19.90 less 5 %, and 20 % of that.
  assert.equal(result.score.totalCents, 189_050 + 37_810);
  assert.equal(result.ceilingCents, result.score.totalCents);
});

test('what was not settled at the end earns nothing, though the audit finds it later', () => {
  const result = resultAfter({ atEnd: standing(90, 90) });
  assert.equal(result.unsettledAtEnd, 10);
  assert.equal(result.score.amountCents, 90 * CENTS);
  assert.equal(exitCodeOf(result), 0);
});

test('in the preview the backend says what was earned', () => {
  assert.equal(resultAfter({ atEnd: standing(80, 100) }).score.amountCents, 80 * CENTS);
});

test('one difference of the checker fines the run and fails it', () => {
  const result = resultAfter({ check: standing(6, 5) });
  assert.equal(result.score.fineCents, Math.round(189_050 * 0.35));
  assert.deepEqual(result.faults, ['1 of 1 checks saw a difference']);
  assert.equal(exitCodeOf(result), 1);
});

test('a check without an answer is no fine, but the run fails', () => {
  const result = resultAfter({ check: { backend: null, processors: null } });
  assert.equal(result.score.fineCents, 0);
  assert.equal(exitCodeOf(result), 1);
});

test('more charged than accepted disqualifies the run', () => {
  const result = resultAfter({ atEnd: standing(100, 101) });
  assert.equal(result.score.totalCents, 0);
  assert.match(result.faults.join(), /disqualified: 101 payments charged, 100 accepted/);
});

test('a run whose end nobody read earns nothing and fails', () => {
  const result = resultAfter({ atEnd: null });
  assert.equal(result.score.totalCents, 0);
  assert.equal(exitCodeOf(result), 1);
});

test('without the lists nothing is wrong, but it is not the exit code of a good run', () => {
  const result = resultAfter({ lists: false });
  assert.deepEqual(result.faults, []);
  assert.equal(exitCodeOf(result), 3);
  assert.match(printedOf(result, 'x.html'), /ids not audited/);
});

test('a run without any payment can be reported', () => {
  const result = resultAfter({ accepted: 0, atEnd: standing(0, 0) });
  assert.equal(result.score.bonusPercent, 0);
});

test('a printed run names the score, the ceiling and each fault', () => {
  const printed = printedOf(resultAfter({ check: standing(6, 5) }), 'reports/k6/preview.html');
  assert.match(printed, /^preview +1,606\.92; the ceiling is 2,268\.60/);
  assert.match(printed, /FAULT +1 of 1 checks saw a difference/);
  assert.ok(printed.split('\n').length <= 13);
});

test('a soak that is too short to drift says so', () => {
  const result = resultAfter({});
  const soak: Result = { ...result, plan: { ...result.plan, name: 'soak' } };
  assert.match(printedOf(soak, ''), /^drift +the run was too short to tell$/m);
  assert.doesNotMatch(printedOf(result, ''), /drift/);
});

test('an interrupted run says so, and ends with 2', () => {
  const result = resultAfter({ interrupted: true });
  assert.equal(exitCodeOf(result), 2);
  assert.match(printedOf(result, 'x'), /^PARTIAL /);
});

test('money has its thousands apart', () => {
  assert.equal(money(0), '0.00');
  assert.equal(money(99_999), '999.99');
  assert.equal(money(38_003_587), '380,035.87');
  assert.equal(money(194_987_600), '1,949,876.00');
});
