// A run in ten lines of text.
import { decimalFromCents } from '../../src/cents.ts';
import { PROCESSORS, processorName } from '../../src/payment.ts';
import { faultsOf } from './audit.ts';
import type { Latency } from './latency.ts';
import type { Result } from './result.ts';
import type { Totals } from './totals.ts';
import { differs } from './totals.ts';

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
    return `ids not audited: the processors don't list their payments; totals ${totals} after ${seconds} s`;
  }
  return faultsOf(audit).length === 0
    ? `holds: each accepted id at exactly one processor, totals agree, ${seconds} s after the end`
    : `FAILS ${seconds} s after the end`;
}

export function printedOf(result: Result, reportPath: string): string {
  const { score, latency, verdicts, plan, checks } = result;
  const settled = result.atEnd[plan.moneyFrom];
  const perProcessor =
    settled === null
      ? 'nothing could be read'
      : PROCESSORS.map((each) => `${processorName(each)} ${totalsText(settled[each])}`).join(', ');
  const sent = verdicts.accepted + verdicts.refused + verdicts.unknown;
  const answers = Object.entries(result.answers).map(([status, count]) => `${status}: ${count}`);
  const different = checks.filter(({ difference }) => differs(difference)).length;
  const lines: (readonly [string, string])[] = [
    [
      plan.name,
      `${money(score.totalCents)}; the ceiling is ${money(result.ceilingCents)}, ` +
        `at this p99 ${money(result.ceilingAtOwnP99Cents)}` +
        (plan.scale === 1 ? '' : ` (at ${plan.scale} of its length)`),
    ],
    ['liquid', `${money(score.liquidCents)} (${perProcessor}; fees ${money(score.feeCents)})`],
    ['bonus', `${money(score.bonusCents)}, ${score.bonusPercent} % (${latencyText(latency.all)})`],
    ['payments', `${latencyText(latency.payments)} of POST /payments alone`],
    ['fine', `${money(score.fineCents)}; ${different} of ${checks.length} checks saw a difference`],
    [
      'sent',
      `${sent}: ${verdicts.accepted} accepted, ${verdicts.refused} refused, ` +
        `${verdicts.unknown} unknown; ${result.unsettledAtEnd} not settled at the end`,
    ],
    ['answers', answers.join(', ')],
    ['audit', auditText(result)],
    ...result.faults.map((fault) => ['FAULT', fault] as const),
    ...result.warnings.map((warning) => ['warning', warning] as const),
    ['report', reportPath],
  ];
  return lines.map(([what, text]) => `${what.padEnd(9)} ${text}`).join('\n');
}
