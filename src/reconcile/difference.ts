// What the ledger and the processors say of one payment, and the difference between them.

import { otherThan, PROCESSORS, type ProcessorIndex } from '../payment.ts';

/** What a charge is compared by. */
export interface Values {
  readonly cents: bigint;
  /** Milliseconds since the epoch. */
  readonly requestedAtMs: number;
}

/** The ledger's row of a payment. */
export interface Entry extends Values {
  readonly processor: ProcessorIndex;
}

/** A processor's answer about a payment; 'unknown' without an answer that can be read. */
export type Answer = Values | 'absent' | 'unknown';

/** What all places say of one payment. */
export interface Facts {
  readonly correlationId: string;
  readonly entry: Entry | undefined;
  /** The processors' answers: default first. */
  readonly held: readonly [Answer, Answer];
  /** Lines of settlement reports; undefined if there is no report, or no line. */
  readonly reported: readonly [Values | undefined, Values | undefined];
  readonly isGivenUp: boolean;
}

type PaymentKind =
  | 'missing in the ledger'
  | 'missing at the processor'
  | 'at the other processor'
  | 'other amount'
  | 'other requestedAt'
  | 'at both processors'
  | 'given up and charged'
  | 'the report differs from its processor';

export interface PaymentDifference {
  readonly kind: PaymentKind;
  readonly facts: Facts;
  /** The row that the ledger should have; undefined if a person has to decide. */
  readonly shall: Entry | undefined;
  readonly toDo: string;
}

const REFUND =
  'the payer was charged twice: have one processor refund it, then correct the ledger by hand';
const ASK_OPERATOR =
  "the money may have been refunded: ask the processor's operator; --repair leaves the row";
const COMPARE_AGAIN = 'a processor does not answer about it: compare again';
const OLD_REPORT = 'the report and its processor do not say the same: ask for a new report';

export const isSame = (one: Values, other: Values): boolean =>
  one.cents === other.cents && one.requestedAtMs === other.requestedAtMs;

const isCharge = (answer: Answer): answer is Values => typeof answer === 'object';

/**
 * The difference in what is known of a payment; 'agrees' without one; 'unknown' while the processor
 * that decides does not answer.
 */
export function judge(facts: Facts): PaymentDifference | 'agrees' | 'unknown' {
  const found =
    facts.entry === undefined ? judgeUnrecorded(facts) : judgeRecorded(facts.entry, facts);
  if (found !== 'agrees' && found !== 'unknown') return found;
  const { held, reported } = facts;
  for (const processor of PROCESSORS) {
    const line = reported[processor];
    const answer = held[processor];
    if (line === undefined || (isCharge(answer) && isSame(line, answer))) continue;
    const isUnknown = answer === 'unknown';
    if (isUnknown && facts.entry?.processor === processor && isSame(line, facts.entry)) continue;
    const kind = isUnknown ? kindOfReported(facts.entry, processor, line) : REPORT_DIFFERS;
    return { kind, facts, shall: undefined, toDo: isUnknown ? COMPARE_AGAIN : OLD_REPORT };
  }
  return found;
}

const REPORT_DIFFERS = 'the report differs from its processor';

/** By a report alone: its processor does not answer. */
function kindOfReported(
  entry: Entry | undefined,
  processor: ProcessorIndex,
  line: Values,
): PaymentKind {
  if (entry === undefined) return 'missing in the ledger';
  if (entry.processor !== processor) return 'at both processors';
  return entry.cents === line.cents ? 'other requestedAt' : 'other amount';
}

function judgeUnrecorded(facts: Facts): PaymentDifference | 'agrees' | 'unknown' {
  const { held, isGivenUp } = facts;
  if (held.every(isCharge)) {
    return { kind: 'at both processors', facts, shall: undefined, toDo: REFUND };
  }
  const processor = PROCESSORS.find((one) => isCharge(held[one]));
  if (processor === undefined) return held.includes('unknown') ? 'unknown' : 'agrees';
  const kind = isGivenUp ? 'given up and charged' : 'missing in the ledger';
  // The other processor may hold it as well: then a row would hide the second charge.
  if (held.includes('unknown')) return { kind, facts, shall: undefined, toDo: COMPARE_AGAIN };
  const what = isGivenUp
    ? 'tell the payer, or have it refunded; --repair records it and ends the give-up'
    : '--repair records it';
  return { kind, facts, shall: { ...(held[processor] as Values), processor }, toDo: what };
}

function judgeRecorded(entry: Entry, facts: Facts): PaymentDifference | 'agrees' | 'unknown' {
  const { held, isGivenUp } = facts;
  const there = held[entry.processor];
  const elsewhere = held[otherThan(entry.processor)];
  if (isCharge(there) && isCharge(elsewhere)) {
    return { kind: 'at both processors', facts, shall: undefined, toDo: REFUND };
  }
  if (there === 'unknown') return 'unknown';
  if (there === 'absent') {
    if (isCharge(elsewhere)) {
      const shall = { ...elsewhere, processor: otherThan(entry.processor) };
      const toDo = '--repair records it at that processor';
      return { kind: 'at the other processor', facts, shall, toDo };
    }
    const toDo = elsewhere === 'unknown' ? COMPARE_AGAIN : ASK_OPERATOR;
    return { kind: 'missing at the processor', facts, shall: undefined, toDo };
  }
  const shall = { ...there, processor: entry.processor };
  if (there.cents !== entry.cents) {
    return { kind: 'other amount', facts, shall, toDo: "--repair takes the processor's values" };
  }
  if (there.requestedAtMs !== entry.requestedAtMs) {
    return { kind: 'other requestedAt', facts, shall, toDo: "--repair takes the processor's time" };
  }
  if (!isGivenUp) return 'agrees';
  return { kind: 'given up and charged', facts, shall, toDo: '--repair ends the give-up' };
}
