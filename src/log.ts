// What happened, as JSON lines on stdout: {"at":"2026-01-02T03:04:05.678Z","event":"…", …}. Never one per payment.

import { writeSync } from 'node:fs';
import type { Clock } from './clock.ts';

type Details = Readonly<Record<string, unknown>>;
export type Log = (event: string, details?: Details) => void;

/** The same event is written at most this often. */
const SAME_EVENT_MS = 1_000;
/** Events have fixed names; this bounds their memory even if one hasn't. */
const EVENTS_MAX = 100;

export function createLog(clock: Clock, write: (line: string) => void = toStdout): Log {
  const quiet = new Map<string, { untilMs: number; suppressed: number }>();
  return (event, details = {}) => {
    const now = clock.elapsed();
    const known = quiet.get(event);
    if (known !== undefined && now < known.untilMs) {
      known.suppressed++;
      return;
    }
    if (quiet.size >= EVENTS_MAX) quiet.clear();
    quiet.set(event, { untilMs: now + SAME_EVENT_MS, suppressed: 0 });
    const at = new Date(clock.now()).toISOString();
    const suppressed = known?.suppressed ? { suppressed: known.suppressed } : {};
    write(`${JSON.stringify({ at, event, ...details, ...suppressed })}\n`);
  };
}

/** Losing a line is better than stopping: nobody may be reading any more. */
function toStdout(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // EAGAIN or EPIPE.
  }
}
