// The result of a run: the score from the totals at the test's end, and the audit after it.
import type { Audit, Sent } from '../audit/audit.ts';
import { faultsOf } from '../audit/audit.ts';
import type { Drained } from '../audit/drain.ts';
import type { Addresses } from '../audit/endpoints.ts';
import type { Disturbed } from './disturb.ts';
import { driftsOf, type Drift } from './drift.ts';
import type { Latency } from './latency.ts';
import { latencyOf, startOf } from './latency.ts';
import { bonusOf, lossesOf, type Bonus, type Loss } from './losses.ts';
import { isContest, type Plan, type Stage } from './plan.ts';
import type { K6Run } from './run-k6.ts';
import type { PaymentSample, Verdict } from './run-log.ts';
import type { Sample } from './sampler.ts';
import type { Score } from './score.ts';
import { ceilingOf, scoreOf } from './score.ts';
import { seriesOf, type Series } from './series.ts';
import type { Surroundings } from './surroundings.ts';
import { warningsOf } from './warnings.ts';
import type { Pair, Standing, Totals } from '../audit/totals.ts';
import { differenceOf, differs, sumOf } from '../audit/totals.ts';

/** Changes when a result of an earlier version can't be read any more. */
export const FORMAT = 1;

export interface CheckResult {
  /** From the first payment. */
  readonly atMs: number;
  readonly standing: Standing;
  /** null when one side didn't answer: nothing was compared. */
  readonly difference: Totals | null;
}

/** What is known of a run beside what k6 and the audit say. */
export interface RunContext {
  /** The name of the run's folder. */
  readonly name: string;
  readonly addresses: Addresses;
  readonly surroundings: Surroundings;
  readonly samples: readonly Sample[];
  readonly disturbed: readonly Disturbed[];
  readonly warnings: readonly string[];
}

export interface Result {
  readonly format: typeof FORMAT;
  readonly name: string;
  readonly addresses: Addresses;
  readonly surroundings: Surroundings;
  readonly plan: Plan;
  /** Interrupted before the end of the test: the figures are of what was sent until then. */
  readonly isPartial: boolean;
  readonly startedAt: string;
  readonly score: Score;
  /** How the score comes down from the ceiling; both mean nothing but in the contest's tests. */
  readonly losses: readonly Loss[];
  readonly bonus: Bonus;
  /** All accepted payments on the default processor: at p99 1.25 ms, and at the run's own. */
  readonly ceilingCents: number;
  readonly ceilingAtOwnP99Cents: number;
  /** Of all successful HTTP requests, as the contest counts, and of the accepted payments alone. */
  readonly latency: { readonly all: Latency; readonly payments: Latency };
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** How many of each HTTP status; "0:…" is k6's code for an answer that never came. */
  readonly answers: Readonly<Record<string, number>>;
  readonly atEnd: Standing;
  /** Accepted, and not yet charged when the test ended. */
  readonly unsettledAtEnd: number;
  readonly checks: readonly CheckResult[];
  readonly stages: readonly Stage[];
  readonly disturbed: readonly Disturbed[];
  readonly series: Series;
  /** Of the soak. */
  readonly drifts: readonly Drift[];
  readonly audit: Audit;
  readonly afterDrain: Standing;
  readonly drainMs: number;
  /** Every check that failed; empty in a good run. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

const NOTHING: Totals = { requests: 0, cents: 0 };

/** k6 writes a payment down after its answer: each user may have one more, if it is interrupted. */
export const unloggedOf = (
  { usersMax }: Plan,
  { interrupted }: Pick<K6Run, 'interrupted'>,
): number => (interrupted ? usersMax : 0);

export function sentOf(payments: readonly PaymentSample[], plan: Plan, unlogged = 0): Sent {
  const idsOf = (verdict: Verdict): Set<string> =>
    new Set(payments.filter((payment) => payment.verdict === verdict).map(({ id }) => id));
  return {
    accepted: idsOf('accepted'),
    unknown: idsOf('unknown'),
    unlogged,
    amountCents: plan.amountCents,
  };
}

export function resultOf(plan: Plan, k6Run: K6Run, drained: Drained, context: RunContext): Result {
  const { log, latency, interrupted } = k6Run;
  const { payments } = log;
  const { samples, warnings, ...about } = context;
  const end: Standing = log.end ?? { backend: null, processors: null };
  const startMs = payments.length > 0 ? startOf(payments) : (log.stages[0]?.atMs ?? 0);
  const { answers, verdicts } = countsOf(payments);
  const checks = log.checks.map(({ atMs, standing }): CheckResult => {
    return { atMs: atMs - startMs, standing, difference: differenceOf(standing) };
  });
  const p99Ms = latency.p99Ms ?? Infinity;
  const earned = scoreAtEnd(plan, end, {
    p99Ms,
    accepted: verdicts.accepted + unloggedOf(plan, k6Run),
    inconsistent: checks.some(({ difference }) => differs(difference)),
  });
  const { score, settled } = earned;
  const { amountCents, feeBps } = plan;
  const { accepted } = verdicts;
  const taken = payments.filter(({ verdict }) => verdict === 'accepted');
  const unknownCharged = new Set(drained.audit.unknownCharged);
  const times = { startMs, durationMs: plan.durationMs, unknownCharged };
  const series = seriesOf(payments, samples, times);
  const drifts = plan.name === 'soak' ? driftsOf(series) : [];
  return {
    format: FORMAT,
    ...about,
    plan,
    isPartial: interrupted,
    startedAt: new Date(startMs).toISOString(),
    score,
    losses: lossesOf({ settled, accepted, amountCents, feeBps, p99Ms, score }),
    bonus: bonusOf(score, p99Ms),
    ceilingCents: ceilingOf(accepted, amountCents, feeBps),
    ceilingAtOwnP99Cents: ceilingOf(accepted, amountCents, feeBps, p99Ms),
    latency: { all: latency, payments: latencyOf(taken.map((each) => each.durationMs)) },
    verdicts,
    answers,
    atEnd: end,
    unsettledAtEnd: Math.max(0, accepted - Math.max(earned.recorded, earned.charged)),
    checks,
    stages: log.stages.flatMap(({ atMs, stage }) => {
      const set = plan.stages[stage];
      return set === undefined ? [] : [{ ...set, atMs: atMs - startMs }];
    }),
    series,
    drifts,
    audit: drained.audit,
    afterDrain: drained.standing,
    drainMs: drained.tookMs,
    faults: faultsIn(plan, score, checks, end).concat(driftFaults(drifts), faultsOf(drained.audit)),
    warnings: warnings.concat(warningsOf({ plan, k6Run, context, checks, series })),
  };
}

function countsOf(payments: readonly PaymentSample[]): Pick<Result, 'answers' | 'verdicts'> {
  const answers: Record<string, number> = {};
  const verdicts = { accepted: 0, refused: 0, unknown: 0 };
  for (const { answer, verdict } of payments) {
    answers[answer] = (answers[answer] ?? 0) + 1;
    verdicts[verdict]++;
  }
  return { answers, verdicts };
}

interface Earned {
  readonly score: Score;
  readonly settled: Pair<Totals>;
  readonly recorded: number;
  readonly charged: number;
}

function scoreAtEnd(
  plan: Plan,
  end: Standing,
  run: { readonly p99Ms: number; readonly accepted: number; readonly inconsistent: boolean },
): Earned {
  const recorded = end.backend === null ? 0 : sumOf(end.backend).requests;
  const charged = end.processors === null ? 0 : sumOf(end.processors).requests;
  const settled = end[plan.moneyFrom] ?? [NOTHING, NOTHING];
  const score = scoreOf({ ...run, settled, feeBps: plan.feeBps, recorded, charged });
  return { score, settled, recorded, charged };
}

function faultsIn(
  plan: Plan,
  score: Score,
  checks: readonly CheckResult[],
  end: Standing,
): string[] {
  const faults: string[] = [];
  // Elsewhere payments of unknown outcome are expected, and the audit allows for them.
  const isScored = isContest(plan);
  if (isScored && score.disqualified !== null) faults.push(`disqualified: ${score.disqualified}`);
  if (end.backend === null || end.processors === null) {
    faults.push('a summary could not be read at the end of the test');
  }
  const different = checks.filter(({ difference }) => differs(difference)).length;
  const unread = checks.filter(({ difference }) => difference === null).length;
  if (checks.length === 0) faults.push('the checker never ran');
  if (different > 0) faults.push(`${different} of ${checks.length} checks saw a difference`);
  // The others overload the system or take parts of it down, and then a summary is a 503.
  if (unread > 0 && isScored) faults.push(`${unread} of ${checks.length} checks had no answer`);
  return faults;
}

const driftFaults = (drifts: readonly Drift[]): string[] =>
  drifts
    .filter(({ isDrift }) => isDrift)
    .map(
      ({ what, first, last }) => `drift: ${what} from ${first.toFixed(1)} to ${last.toFixed(1)}`,
    );

/**
 * 0: every check holds. 1: one failed. 2: the test was interrupted. 3: every check holds, but no id
 * could be audited.
 */
export function exitCodeOf({ isPartial, faults, audit }: Result): 0 | 1 | 2 | 3 {
  if (isPartial) return 2;
  if (faults.length > 0) return 1;
  return audit.byId ? 0 : 3;
}
