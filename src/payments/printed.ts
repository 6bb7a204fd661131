// Values as an operator reads them. What others wrote (ids, reasons, answers) can't control the
// terminal.

import { decimalFromCents } from '../cents.ts';

/** An object of an answer, as it came. */
export type Entry = Readonly<Record<string, unknown>>;

export const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Control characters, and those that hide text, break lines or turn its direction. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string =>
  `\\u{${(character.codePointAt(0) as number).toString(16)}}`;

/** `text` in one line, with every unsafe character as \u{…}. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, escaped);
}

const unitsEscaped = (characters: string): string =>
  Array.from(
    { length: characters.length },
    (_, unit) => `\\u${characters.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('');

/** `value` as JSON in one line. It says the same, and can't control the terminal either. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, unitsEscaped);
}

/** A value of an answer; "-" if it is missing. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return safeText(typeof value === 'string' ? value : JSON.stringify(value));
}

/** "19.90" for 1990; whatever isn't a number of cents stays as it came. */
export function amountOf(cents: unknown): string {
  return Number.isSafeInteger(cents) && (cents as number) >= 0
    ? decimalFromCents(cents as number)
    : textOf(cents);
}

const UNITS = [
  { name: 'days', seconds: 86_400, from: 2 },
  { name: 'h', seconds: 3_600, from: 1 },
  { name: 'min', seconds: 60, from: 1 },
] as const;

/** The time since `isoTime` in words: "3 min". A time to come is 0 s ago. */
export function ageOf(isoTime: unknown, nowMs: number): string {
  const thenMs = typeof isoTime === 'string' ? Date.parse(isoTime) : Number.NaN;
  if (Number.isNaN(thenMs)) return textOf(isoTime);
  const seconds = Math.max(0, Math.floor((nowMs - thenMs) / 1_000));
  const unit = UNITS.find((one) => seconds >= one.seconds * one.from);
  return unit === undefined ? `${seconds} s` : `${Math.floor(seconds / unit.seconds)} ${unit.name}`;
}

/** "declined 500 (default)" */
export function lastAnswerOf(answer: unknown): string {
  if (!isEntry(answer)) return textOf(answer);
  const { processor, outcome, status } = answer;
  const withStatus = status === undefined || status === 0 ? '' : ` ${textOf(status)}`;
  return `${textOf(outcome)}${withStatus} (${textOf(processor)})`;
}

/** The fields of an object in words: "19.90 default". Amounts are in cents there. */
export function detailsOf(details: unknown): string {
  if (!isEntry(details)) return textOf(details);
  const words = Object.entries(details).map(([name, value]) => {
    if (name === 'amountCents') return amountOf(value);
    return ['processor', 'state'].includes(name)
      ? textOf(value)
      : `${safeText(name)} ${textOf(value)}`;
  });
  return words.length === 0 ? '-' : words.join(', ');
}
