// What is no fault of the system under test, and yet changes what its figures mean.

import { isContest, type Plan } from './plan.ts';
import type { CheckResult, RunContext } from './result.ts';
import type { K6Run } from './run-k6.ts';
import { othersCpuMean, type Series } from './series.ts';

interface Watched {
  readonly plan: Plan;
  readonly k6Run: K6Run;
  readonly context: RunContext;
  readonly checks: readonly CheckResult[];
  readonly series: Series;
}

/** Above this, of one core, other programs are worth a word. */
const OTHERS_PERCENT = 25;

export function warningsOf(watched: Watched): string[] {
  const { plan, k6Run, context, checks, series } = watched;
  const unread = checks.filter(({ difference }) => difference === null).length;
  const { notSent } = k6Run;
  const down = context.disturbed
    .filter(({ processes }) => processes === 0)
    .map(({ part, atMs }) => `${part} was down already at ${(atMs / 1_000).toFixed(0)} s`);
  return [
    ...stageWarnings(plan, k6Run),
    ...down,
    ...(unread > 0 && !isContest(plan)
      ? [`${unread} of ${checks.length} checks had no answer`]
      : []),
    ...(notSent > 0
      ? [`${notSent} payments were not sent: all users of k6 waited for answers`]
      : []),
    ...noiseWarnings(series, context),
  ];
}

function stageWarnings(plan: Plan, { log: { stages }, interrupted }: K6Run): string[] {
  const refused = stages.filter(({ statuses }) => statuses.some((status) => status !== 200));
  const warnings = refused.map(
    ({ stage, statuses }) => `stage ${stage + 1}: the processors answered ${statuses.join(', ')}`,
  );
  if (stages.length < plan.stages.length && !interrupted) {
    warnings.push(`${stages.length} of ${plan.stages.length} stages were set`);
  }
  return warnings;
}

function noiseWarnings(series: Series, { surroundings }: RunContext): string[] {
  // Where the parts were not found, they would count as others.
  if (!series.points.some(({ usage }) => 'instance 0' in usage)) return [];
  const others = othersCpuMean(series);
  if (others === null || others < OTHERS_PERCENT) return [];
  return [
    `other programs used ${others.toFixed(0)} % of a core on average, of ` +
      `${surroundings.cores} cores: latencies are higher for it`,
  ];
}
