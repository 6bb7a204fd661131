// Puts a run together: the score from what was true at the test's end, and the audit of afterwards.
import type { Audit, Sent } from './audit.ts';
import { faultsOf } from './audit.ts';
import type { Drained } from './drain.ts';
import type { Latency, Second } from './latency.ts';
import { latencyOf, secondsOf, startOf } from './latency.ts';
import type { Plan, Stage } from './plan.ts';
import type { K6Run } from './run-k6.ts';
import type { PaymentSample, Verdict } from './run-log.ts';
import type { Score } from './score.ts';
import { ceilingOf, scoreOf } from './score.ts';
import type { Standing, Totals } from './totals.ts';
import { differenceOf, differs, sumOf } from './totals.ts';

interface CheckResult {
  /** From the first payment. */
  readonly atMs: number;
  readonly standing: Standing;
  /** null when one side didn't answer: nothing was compared. */
  readonly difference: Totals | null;
}

export interface Result {
  readonly plan: Plan;
  readonly startedAt: string;
  readonly score: Score;
  /** All accepted payments on the default processor: at p99 1.25 ms, and at the run's own. */
  readonly ceilingCents: number;
  readonly ceilingAtOwnP99Cents: number;
  /** All successful HTTP requests, by which the contest goes, and the accepted payments alone. */
  readonly latency: { readonly all: Latency; readonly payments: Latency };
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** How many of each HTTP status; "0:…" is k6's code for an answer that never came. */
  readonly answers: Readonly<Record<string, number>>;
  readonly atEnd: Standing;
  /** Accepted, and not yet charged when the test ended. */
  readonly unsettledAtEnd: number;
  readonly checks: readonly CheckResult[];
  readonly stages: readonly Stage[];
  readonly seconds: readonly Second[];
  readonly audit: Audit;
  readonly afterDrain: Standing;
  readonly drainMs: number;
  /** All that must not be; empty in a good run. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

const NOTHING: Totals = { requests: 0, cents: 0 };

export function sentOf(payments: readonly PaymentSample[], plan: Plan): Sent {
  const idsOf = (verdict: Verdict): Set<string> =>
    new Set(payments.filter((payment) => payment.verdict === verdict).map(({ id }) => id));
  return {
    accepted: idsOf('accepted'),
    unknown: idsOf('unknown'),
    amountCents: plan.amountCents,
  };
}

export function resultOf(
  plan: Plan,
  { log, latency }: K6Run,
  drained: Drained,
  warnings: readonly string[],
): Result {
  const { payments } = log;
  const end: Standing = log.end ?? { backend: null, processors: null };
  const startMs = startOf(payments);
  const answers: Record<string, number> = {};
  const verdicts = { accepted: 0, refused: 0, unknown: 0 };
  for (const { answer, verdict } of payments) {
    answers[answer] = (answers[answer] ?? 0) + 1;
    verdicts[verdict]++;
  }
  const checks = log.checks.map(({ atMs, standing }): CheckResult => {
    return { atMs: atMs - startMs, standing, difference: differenceOf(standing) };
  });
  const { recorded, charged, score } = scoreAtEnd(plan, end, {
    p99Ms: latency.p99Ms ?? Infinity,
    accepted: verdicts.accepted,
    inconsistent: checks.some(({ difference }) => differs(difference)),
  });
  const ceiling = (p99Ms?: number): number =>
    ceilingOf(verdicts.accepted, plan.amountCents, plan.feeBps, p99Ms);
  const accepted = payments.filter(({ verdict }) => verdict === 'accepted');
  return {
    plan,
    startedAt: new Date(Number.isFinite(startMs) ? startMs : 0).toISOString(),
    score,
    ceilingCents: ceiling(),
    ceilingAtOwnP99Cents: ceiling(latency.p99Ms ?? Infinity),
    latency: { all: latency, payments: latencyOf(accepted.map((each) => each.durationMs)) },
    verdicts,
    answers,
    atEnd: end,
    unsettledAtEnd: Math.max(0, verdicts.accepted - Math.max(recorded, charged)),
    checks,
    stages: log.stages.flatMap(({ atMs, stage }) => {
      const set = plan.stages[stage];
      return set === undefined ? [] : [{ ...set, atMs: atMs - startMs }];
    }),
    seconds: secondsOf(payments),
    audit: drained.audit,
    afterDrain: drained.standing,
    drainMs: drained.tookMs,
    faults: faultsIn(score, checks, end).concat(faultsOf(drained.audit)),
    warnings: warnings.concat(stageWarnings(plan, log.stages)),
  };
}

function scoreAtEnd(
  plan: Plan,
  end: Standing,
  run: { readonly p99Ms: number; readonly accepted: number; readonly inconsistent: boolean },
): { readonly score: Score; readonly recorded: number; readonly charged: number } {
  const recorded = end.backend === null ? 0 : sumOf(end.backend).requests;
  const charged = end.processors === null ? 0 : sumOf(end.processors).requests;
  const settled = end[plan.moneyFrom] ?? [NOTHING, NOTHING];
  return {
    score: scoreOf({ ...run, settled, feeBps: plan.feeBps, recorded, charged }),
    recorded,
    charged,
  };
}

function faultsIn(score: Score, checks: readonly CheckResult[], end: Standing): string[] {
  const faults: string[] = [];
  if (score.disqualified !== null) faults.push(`disqualified: ${score.disqualified}`);
  if (end.backend === null || end.processors === null) {
    faults.push('a summary could not be read at the end of the test');
  }
  const different = checks.filter(({ difference }) => differs(difference)).length;
  const unread = checks.filter(({ difference }) => difference === null).length;
  if (checks.length === 0) faults.push('the checker never ran');
  if (different > 0) faults.push(`${different} of ${checks.length} checks saw a difference`);
  if (unread > 0) faults.push(`${unread} of ${checks.length} checks had no answer`);
  return faults;
}

function stageWarnings(plan: Plan, stages: K6Run['log']['stages']): string[] {
  const refused = stages.filter(({ statuses }) => statuses.some((status) => status !== 200));
  const warnings = refused.map(
    ({ stage, statuses }) => `stage ${stage + 1}: the processors answered ${statuses.join(', ')}`,
  );
  if (stages.length < plan.stages.length) {
    warnings.push(`${stages.length} of ${plan.stages.length} stages were set`);
  }
  return warnings;
}

/** 0: all holds. 1: something must not be. 3: nothing wrong was seen, but no id could be audited. */
export function exitCodeOf({ faults, audit }: Result): 0 | 1 | 3 {
  if (faults.length > 0) return 1;
  return audit.byId ? 0 : 3;
}
