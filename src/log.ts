// What happened, as JSON lines on stdout, by pino:
// {"level":"warn","at":"2026-01-02T03:04:05.678Z","event":"…", …}.
//
// Never one per payment in good times. No line is suppressed: what repeats is said when it begins
// and when it ends (watch.ts). Lines are written in the background, so that a reader that stands
// still holds up no payment; at the bound they are dropped and counted.

import { readFileSync } from 'node:fs';
import pino from 'pino';
import type { Clock } from './clock.ts';

type Details = Readonly<Record<string, unknown>>;
type Write = (event: string, details?: Details) => void;

export interface Log {
  /** What is as it should be. */
  readonly info: Write;
  /**
   * Trouble that is expected to end by itself: a database that is away, a payment that is set
   * aside.
   */
  readonly warn: Write;
  /** Somebody has to look: money, a setting, or the program itself. */
  readonly error: Write;
}

/** Bytes that wait for a reader of stdout; beyond these, lines are dropped. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

const PACKAGE = new URL('../../package.json', import.meta.url);

const destination = pino.destination({ dest: 1, sync: false, maxLength: WAITING_BYTES_MAX });
let dropped = 0;
destination.on('drop', () => {
  dropped++;
});
// Nobody reads any more (EPIPE): losing lines is better than stopping.
destination.on('error', () => {});

/** `instance` is this one's number, in each line; undefined before the settings are read. */
export function createLog(clock: Clock, instance?: number): Log {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  const logger = pino(
    {
      base: { instance, version },
      messageKey: 'event',
      timestamp: () => `,"at":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const at =
    (level: 'info' | 'warn' | 'error'): Write =>
    (event, details = {}) => {
      if (dropped > 0) {
        logger.error({ lines: dropped }, 'log lines were dropped');
        dropped = 0;
      }
      logger[level](details, event);
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** Before the process ends: what waits is written now. */
export function flushLog(): void {
  try {
    destination.flushSync();
  } catch {
    // Nobody reads any more.
  }
}
