// The result of a comparison as text and as JSON.

import { decimalFromCents } from '../cents.ts';
import { isSameSum, type BookedSum } from '../ledger/compared-row.ts';
import { PERIOD_NAMES, wrongSumOf } from '../ledger/sum-periods.ts';
import { PROCESSORS, processorName } from '../payment.ts';
import type { Comparison, UnexplainedSum } from './comparison.ts';
import { isSame, type Answer, type Entry, type PaymentDifference } from './difference.ts';
import type { Values } from './difference.ts';
import type { RepairOutcome } from './repairing.ts';

const LISTED_MAX = 50;

const timeOf = (ms: number): string => new Date(ms).toISOString();
const amountOf = (cents: bigint): string =>
  cents < 0n ? `-${decimalFromCents(-cents)}` : decimalFromCents(cents);

export function differencesIn({ payments, wrongSums, unexplained }: Comparison): number {
  return payments.length + wrongSums.length + unexplained.length;
}

/** The result in words. */
export function textOf(comparison: Comparison): string {
  const { range, wholes, payments, wrongSums, unexplained, underWay, anomalies } = comparison;
  const { looked, gaps, notes } = comparison;
  const lines = [`requestedAt from ${timeOf(range.fromMs)} to ${timeOf(range.toMs)}`, ''];
  lines.push(...tableOf(wholes), '');
  lines.push(
    `asked about ${looked.rows} rows, and read ${looked.lines} lines of reports and lists`,
  );
  lines.push(...listed(payments, paymentLines));
  lines.push(
    ...listed(wrongSums, ({ processor, period, startMs, rows, summed }) => [
      `${wrongSumOf(period)}: ${processorName(processor)} ${timeOf(startMs)}`,
      `  payment_sums: ${sumText(summed)}   its rows: ${sumText(rows)}`,
      '  → --repair computes it again from the rows',
    ]),
  );
  lines.push(...listed(unexplained, unexplainedLines));
  if (underWay.length > 0) lines.push('', `under way at an instance: ${underWay.length} payments`);
  lines.push(
    ...listed(underWay, ({ correlationId }) => [`  ${correlationId}`]),
    ...(anomalies.length > 0 ? ['', `anomalies since then: ${anomalies.length}`] : []),
    ...listed(anomalies, ({ correlationId, kind, foundAtMs }) => [
      `  ${timeOf(foundAtMs)} ${correlationId} ${kind}`,
    ]),
  );
  for (const note of notes) lines.push(`note: ${note}`);
  for (const gap of gaps) lines.push(`not compared: ${gap}`);
  const count = differencesIn(comparison);
  const rest = gaps.length > 0 ? 'as far as it could be compared, ' : '';
  const repairable = wrongSums.length + payments.filter(({ shall }) => shall !== undefined).length;
  const found =
    count === 0
      ? 'nothing differs'
      : `${count} difference${count === 1 ? '' : 's'}, ${repairable} for --repair`;
  lines.push('', `${rest}${found}`);
  return lines.join('\n');
}

function listed<T>(items: readonly T[], text: (item: T) => string[]): string[] {
  const left = items.length - LISTED_MAX;
  return [
    ...items.slice(0, LISTED_MAX).flatMap(text),
    ...(left > 0 ? [`… and ${left} more (--json has all)`] : []),
  ];
}

function tableOf(wholes: Comparison['wholes']): string[] {
  const rows = PROCESSORS.flatMap((processor) => {
    const whole = wholes[processor];
    const name = processorName(processor);
    if (whole === undefined) return [[name, 'could not be compared', '', '']];
    const verdict = isSameSum(whole.ledger, whole.processor) ? 'same' : 'differs';
    return [
      [name, 'ledger', String(whole.ledger.payments), amountOf(whole.ledger.cents)],
      ['', 'processor', String(whole.processor.payments), amountOf(whole.processor.cents), verdict],
    ];
  });
  const table = [['', '', 'payments', 'amount'], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function paymentLines({ kind, facts, toDo }: PaymentDifference): string[] {
  const { correlationId, entry, held } = facts;
  const places = [
    `ledger: ${entry === undefined ? 'nothing' : entryText(entry)}`,
    ...PROCESSORS.map((processor) => `${processorName(processor)}: ${answerText(held[processor])}`),
    ...PROCESSORS.flatMap((processor) => {
      const line = facts.reported[processor];
      const answer = held[processor];
      const isTheSame = line && typeof answer === 'object' && isSame(line, answer);
      return line && !isTheSame
        ? [`report of ${processorName(processor)}: ${valuesText(line)}`]
        : [];
    }),
  ];
  return [`${kind}: ${correlationId}`, ...places.map((place) => `  ${place}`), `  → ${toDo}`];
}

function unexplainedLines({ at, fromMs, toMs, ledger, processor, more }: UnexplainedSum): string[] {
  const where =
    toMs - fromMs < 1_000 ? `in ${timeOf(fromMs)}` : `from ${timeOf(fromMs)} to ${timeOf(toMs)}`;
  return [
    `unexplained difference of sums: ${processorName(at)} ${where}`,
    `  ledger: ${sumText(ledger)}   processor: ${sumText(processor)}   ` +
      `left over: ${sumText(more)}`,
    '  → compare without --sums, or with a settlement report of that time (--report-…)',
  ];
}

const sumText = ({ payments, cents }: BookedSum): string => `${payments} of ${amountOf(cents)}`;
const valuesText = ({ cents, requestedAtMs }: Values): string =>
  `${amountOf(cents)} at ${timeOf(requestedAtMs)}`;
const entryText = (entry: Entry): string =>
  `${processorName(entry.processor)}, ${valuesText(entry)}`;

function answerText(answer: Answer): string {
  if (answer === 'absent') return 'nothing';
  return answer === 'unknown' ? 'no answer' : valuesText(answer);
}

/** Sums are texts: they may be larger than a number of JSON keeps. */
export function jsonOf(comparison: Comparison): object {
  const { range, wholes, payments, wrongSums, unexplained, underWay, anomalies } = comparison;
  return {
    from: timeOf(range.fromMs),
    to: timeOf(range.toMs),
    agrees: differencesIn(comparison) === 0 && comparison.gaps.length === 0,
    sums: PROCESSORS.map((processor) => {
      const whole = wholes[processor];
      return {
        at: processorName(processor),
        ledger: whole ? sumJson(whole.ledger) : null,
        processor: whole ? sumJson(whole.processor) : null,
      };
    }),
    differences: [
      ...payments.map(paymentJson),
      ...wrongSums.map(({ processor, period, startMs, rows, summed }) => ({
        kind: wrongSumOf(period),
        at: processorName(processor),
        [PERIOD_NAMES[period]]: timeOf(startMs),
        rows: sumJson(rows),
        summed: sumJson(summed),
        isRepairable: true,
      })),
      ...unexplained.map(({ at, fromMs, toMs, ledger, processor, more }) => ({
        kind: 'unexplained difference of sums',
        at: processorName(at),
        from: timeOf(fromMs),
        to: timeOf(toMs),
        ledger: sumJson(ledger),
        processor: sumJson(processor),
        leftOver: sumJson(more),
        isRepairable: false,
      })),
    ],
    underWay: underWay.map(({ correlationId }) => correlationId),
    anomalies: anomalies.map(({ correlationId, kind, foundAtMs }) => {
      return { correlationId, kind, foundAt: timeOf(foundAtMs) };
    }),
    looked: comparison.looked,
    notes: comparison.notes,
    notCompared: comparison.gaps,
  };
}

function paymentJson({ kind, facts, shall, toDo }: PaymentDifference): object {
  const { correlationId, entry, held, isGivenUp } = facts;
  return {
    kind,
    correlationId,
    ledger: entry ? { processor: processorName(entry.processor), ...valuesJson(entry) } : null,
    default: answerJson(held[0]),
    fallback: answerJson(held[1]),
    isGivenUp,
    isRepairable: shall !== undefined,
    toDo,
  };
}

const valuesJson = ({ cents, requestedAtMs }: Values): object => ({
  amountCents: String(cents),
  requestedAt: timeOf(requestedAtMs),
});
const answerJson = (answer: Answer): object | string =>
  typeof answer === 'string' ? answer : valuesJson(answer);
const sumJson = ({ payments, cents }: BookedSum): object => ({
  payments: String(payments),
  amountCents: String(cents),
});

export const outcomeText = ({ what, kind, result }: RepairOutcome): string => {
  const why = {
    repaired: 'repaired',
    changed: 'left alone: it changed meanwhile',
    archived: 'left alone: it is archived (docs/OPERATIONS.md, Growth)',
    busy: 'left alone: somebody else locks it',
  }[result];
  return `${why}: ${kind}: ${what}`;
};
