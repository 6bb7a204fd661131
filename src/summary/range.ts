// Reads the time range of a summary from a query string. Times are ISO 8601 (iso-time.ts).

import { isoTime } from '../iso-time.ts';
import type { TimeRange } from '../ledger/reader.ts';

export interface RangeFault {
  readonly field: 'from' | 'to';
  readonly reason: string;
}

/** The times that a four-digit year can express, with any offset: years 0 to 9999. */
const EARLIEST_MS = Date.UTC(0, 0, 1) - 1900 * 366 * 86_400_000;
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999) + 86_400_000;

const NOT_A_TIME = 'must be an ISO 8601 time such as 2025-07-15T12:34:56.789Z';

/**
 * Both ends are optional and included. Payments have whole milliseconds, so a finer `from` is
 * rounded up and a finer `to` down. An empty parameter counts as absent; others are ignored. None
 * may be given twice.
 */
export function readRange(query: string): TimeRange | RangeFault {
  let fromMs: number | undefined;
  let toMs: number | undefined;
  const seen: string[] = [];
  for (const pair of query.split('&')) {
    const [name, ...rest] = pair.split('=');
    if (name !== 'from' && name !== 'to') continue;
    if (seen.includes(name)) return { field: name, reason: 'is given twice' };
    seen.push(name);
    const text = decode(rest.join('='));
    if (text === '') continue;
    const ms = text === undefined ? undefined : isoTime(text, name === 'from' ? 'up' : 'down');
    if (ms === undefined) return { field: name, reason: NOT_A_TIME };
    if (name === 'from') fromMs = ms;
    else toMs = ms;
  }
  return { fromMs: fromMs ?? EARLIEST_MS, toMs: toMs ?? LATEST_MS };
}

/** Keeps a plus as it is: the offset of a time may arrive unescaped. Undefined if not decodable. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
