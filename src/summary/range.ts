// The time range of a summary, from a query string. Times are ISO 8601 with any offset; without one they are UTC.

import type { TimeRange } from '../ledger/reader.ts';

export interface RangeFault {
  readonly field: 'from' | 'to';
  readonly reason: string;
}

/** Years 0 to 9999: what the times of four-digit years can reach. */
const EARLIEST_MS = Date.UTC(0, 0, 1) - 1900 * 366 * 86_400_000;
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999) + 86_400_000;

const NOT_A_TIME = 'must be an ISO 8601 time such as 2025-07-15T12:34:56.789Z';

/** Both ends are included and optional; an empty one counts as absent. Other parameters are ignored. */
export function readRange(query: string): TimeRange | RangeFault {
  let fromMs: number | undefined;
  let toMs: number | undefined;
  for (const pair of query.split('&')) {
    const [name, ...rest] = pair.split('=');
    if (name !== 'from' && name !== 'to') continue;
    const text = decode(rest.join('='));
    if (text === '') continue;
    const ms = text === undefined ? undefined : millisecondsOf(text, name);
    if (ms === undefined) return { field: name, reason: NOT_A_TIME };
    if ((name === 'from' ? fromMs : toMs) !== undefined) {
      return { field: name, reason: 'is given twice' };
    }
    if (name === 'from') fromMs = ms;
    else toMs = ms;
  }
  return { fromMs: fromMs ?? EARLIEST_MS, toMs: toMs ?? LATEST_MS };
}

/** A plus stays a plus: an offset that was sent unescaped means what it says. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?$/;

/**
 * Payments have whole milliseconds: a finer `from` is rounded up and a finer `to` down, which includes the same ones.
 * undefined for what isn't a time, such as 30 February.
 */
function millisecondsOf(text: string, end: 'from' | 'to'): number | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const fraction = (match[7] ?? '').padEnd(9, '0');
  const date = new Date(0);
  date.setUTCFullYear(year as number, (month as number) - 1, day);
  if (date.getUTCMonth() !== (month as number) - 1 || date.getUTCDate() !== day) return undefined;
  const offset = Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0);
  if ((hour as number) > 23 || (minute as number) > 59 || (second as number) > 59) return undefined;
  if (offset >= 24 * 60 || Number(match[11] ?? 0) > 59) return undefined;
  date.setUTCHours(hour as number, minute, second, Number(fraction.slice(0, 3)));
  const finer = end === 'from' && Number(fraction.slice(3)) > 0 ? 1 : 0;
  return date.getTime() + finer - (match[9] === '-' ? -offset : offset) * 60_000;
}
