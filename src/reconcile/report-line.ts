// One line of a settlement report: its three fields as texts, and what they mean. Nothing is
// guessed: what could be read in two ways is refused.

import { isoTime } from '../iso-time.ts';
import { isId } from '../payment.ts';
import type { Values } from './difference.ts';

export interface ReportLine extends Values {
  readonly correlationId: string;
  /** From 1: of a CSV file the line, of a JSON list the place in it. */
  readonly line: number;
}

/** A report that can't be used. The message names the file, the line, the field and the reason. */
export class ReportError extends Error {}

export const FIELDS = ['correlationId', 'amount', 'requestedAt'] as const;
export type Field = (typeof FIELDS)[number];
export type Texts = Readonly<Record<Field, string>>;

/** 14 digits before the point are more than any payment has. */
const AMOUNT = /^(\d{1,14})(?:[.,](\d{1,2}))?$/;

/** The field, however its name is written; undefined for another name. */
export function fieldNamed(name: string): Field | undefined {
  const plain = name.trim().toLowerCase().replace(/[ _-]/g, '');
  return FIELDS.find((field) => field.toLowerCase() === plain);
}

/** @throws ReportError without the name of the file */
export function readLine(texts: Texts, line: number): ReportLine {
  const refuse = (field: Field, reason: string): never => {
    throw new ReportError(`line ${line}: ${field} "${texts[field].slice(0, 60)}" ${reason}`);
  };
  const id = texts.correlationId.trim();
  if (!isId(id)) refuse('correlationId', 'is no UUID');
  const cents = centsOf(texts.amount.trim());
  if (cents === undefined) {
    refuse('amount', 'must be digits with at most two places after one point or comma');
  }
  if (cents === 0n) refuse('amount', 'must be more than 0');
  const requestedAtMs = isoTime(texts.requestedAt.trim(), 'down');
  if (requestedAtMs === undefined) {
    refuse('requestedAt', 'is no ISO 8601 time such as 2025-07-15T12:34:56.789Z');
  }
  return {
    correlationId: id.toLowerCase(),
    cents: cents as bigint,
    requestedAtMs: requestedAtMs as number,
    line,
  };
}

/** "1.234" could be a thousand, so three places are refused like every other separator. */
function centsOf(text: string): bigint | undefined {
  const [, whole, places = ''] = AMOUNT.exec(text) ?? [];
  return whole === undefined ? undefined : BigInt(whole + places.padEnd(2, '0'));
}
