// The time range of a summary, from a query string. Times are ISO 8601 with any offset; without one they are UTC.

import { isoTime } from '../iso-time.ts';
import type { TimeRange } from '../ledger/reader.ts';

export interface RangeFault {
  readonly field: 'from' | 'to';
  readonly reason: string;
}

/** Years 0 to 9999: what the times of four-digit years can reach. */
const EARLIEST_MS = Date.UTC(0, 0, 1) - 1900 * 366 * 86_400_000;
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999) + 86_400_000;

const NOT_A_TIME = 'must be an ISO 8601 time such as 2025-07-15T12:34:56.789Z';

/**
 * Both ends are included and optional; payments have whole milliseconds, so a finer `from` is
 * rounded up and a finer `to` down; an empty one counts as absent. Other parameters are ignored.
 */
export function readRange(query: string): TimeRange | RangeFault {
  let fromMs: number | undefined;
  let toMs: number | undefined;
  for (const pair of query.split('&')) {
    const [name, ...rest] = pair.split('=');
    if (name !== 'from' && name !== 'to') continue;
    const text = decode(rest.join('='));
    if (text === '') continue;
    const ms = text === undefined ? undefined : isoTime(text, name === 'from' ? 'up' : 'down');
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
