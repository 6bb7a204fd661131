// The result of a run in some lines of text.
import { decimalFromCents } from '../../src/cents.ts';
import { PROCESSORS, processorName } from '../../src/payment.ts';
import { faultsOf } from '../audit/audit.ts';
import { answerText } from './answers.ts';
import type { Drift } from './drift.ts';
import type { Latency } from './latency.ts';
import { isContest } from './plan.ts';
import type { Result } from './result.ts';
import type { Totals } from '../audit/totals.ts';
import { differs } from '../audit/totals.ts';

/** "380,035.87" for 38003587. */
export function money(cents: number): string {
  return decimalFromCents(cents).replace(/\B(?=(\d{3})+\.)/g, ',');
}

export const milliseconds = (ms: number | null): string => (ms === null ? '–' : ms.toFixed(2));

const latencyText = ({ p50Ms, p90Ms, p99Ms, maxMs }: Latency): string =>
  `p50 ${milliseconds(p50Ms)}, p90 ${milliseconds(p90Ms)}, p99 ${milliseconds(p99Ms)}, ` +
  `max ${milliseconds(maxMs)} ms`;

const totalsText = ({ requests, cents }: Totals): string => `${requests} of ${money(cents)}`;

export function auditText({ audit, drainMs }: Result): string {
  const seconds = (drainMs / 1_000).toFixed(1);
  if (!audit.byId) {
    const totals = audit.books.length === 0 ? 'agree' : 'DIFFER';
    return (
      "ids not audited: the processors don't list their payments; " +
      `totals ${totals} after ${seconds} s`
    );
  }
  return faultsOf(audit).length === 0
    ? `holds: each accepted id at exactly one processor, totals agree, ${seconds} s after the end`
    : `FAILS ${seconds} s after the end`;
}

/** "15.18 %, rounded to 15 %; p99 3.41 ms: 0.16 ms less gives 16 %, and 1,234.56 more". */
export function bonusText({ score, bonus, latency }: Result): string {
  const now = `${bonus.exactPercent.toFixed(2)} %, rounded to ${score.bonusPercent} %`;
  const p99Ms = latency.all.p99Ms ?? Infinity;
  if (bonus.better === null) return now;
  const { percent, p99Ms: boundMs, scoreCents } = bonus.better;
  return (
    `${now}; p99 ${milliseconds(p99Ms)} ms: ${(p99Ms - boundMs).toFixed(2)} ms less gives ` +
    `${percent} %, and ${money(scoreCents - score.totalCents)} more`
  );
}

/** Of a soak without drifts. */
export const TOO_SHORT = 'the run was too short to tell';

export const driftText = ({ what, first, firstMost, last, isDrift }: Drift): string =>
  `${what} ${first.toFixed(1)} at first (at most ${firstMost.toFixed(1)}), ` +
  `${last.toFixed(1)} at last: ${isDrift ? 'DRIFTS' : 'no drift'}`;

function scoreLines(result: Result): (readonly [string, string])[] {
  const { score, latency, plan, checks } = result;
  const settled = result.atEnd[plan.moneyFrom];
  const perProcessor =
    settled === null
      ? 'nothing could be read'
      : PROCESSORS.map((each) => `${processorName(each)} ${totalsText(settled[each])}`).join(', ');
  const different = checks.filter(({ difference }) => differs(difference)).length;
  const seen = `${different} of ${checks.length} checks saw a difference`;
  const all = latencyText(latency.all);
  if (!isContest(plan)) {
    return [
      [plan.name, `${perProcessor} at the end; ${seen}`],
      ['latency', all],
    ];
  }
  return [
    [
      plan.name,
      `${money(score.totalCents)}; the ceiling is ${money(result.ceilingCents)}, ` +
        `at this p99 ${money(result.ceilingAtOwnP99Cents)}` +
        (plan.scale === 1 ? '' : ` (at ${plan.scale} of its length)`),
    ],
    ['liquid', `${money(score.liquidCents)} (${perProcessor}; fees ${money(score.feeCents)})`],
    ['latency', all],
    ['bonus', `${money(score.bonusCents)}, ${bonusText(result)}`],
    ['fine', `${money(score.fineCents)}; ${seen}`],
  ];
}

function driftLines({ plan, drifts }: Result): (readonly [string, string])[] {
  if (plan.name === 'soak' && drifts.length === 0) return [['drift', TOO_SHORT]];
  return drifts.map((drift) => ['drift', driftText(drift)]);
}

export function printedOf(result: Result, report: string): string {
  const { latency, verdicts, isPartial } = result;
  const sent = verdicts.accepted + verdicts.refused + verdicts.unknown;
  const answers = Object.entries(result.answers).map(
    ([answer, count]) => `${answerText(answer)}: ${count}`,
  );
  const lines: (readonly [string, string])[] = [
    ...(isPartial ? [['PARTIAL', 'the test was interrupted before its end'] as const] : []),
    ...scoreLines(result),
    ['payments', `${latencyText(latency.payments)} of accepted POST /payments alone`],
    [
      'sent',
      `${sent}: ${verdicts.accepted} accepted, ${verdicts.refused} refused, ` +
        `${verdicts.unknown} unknown; ${result.unsettledAtEnd} not settled at the end`,
    ],
    ['answers', answers.join(', ')],
    ...driftLines(result),
    ['audit', auditText(result)],
    ...result.faults.map((fault) => ['FAULT', fault] as const),
    ...result.warnings.map((warning) => ['warning', warning] as const),
    ['report', report],
  ];
  return lines.map(([what, text]) => `${what.padEnd(9)} ${text}`).join('\n');
}
