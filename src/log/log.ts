// The log: JSON lines on stdout, by pino:
// {"level":"warn","at":"2026-01-02T03:04:05.678Z","event":"…", …}.
//
// A payment without trouble has no line. What repeats is logged when it begins and when it ends
// (condition.ts, outage.ts).

import { readFileSync } from 'node:fs';
import pino from 'pino';
import type { Clock } from '../clock.ts';

type Details = Readonly<Record<string, unknown>>;
type Write = (event: string, details?: Details) => void;

export interface Log {
  /** Normal operation. */
  readonly info: Write;
  /** Trouble that should end by itself: the database is away, a payment is set aside. */
  readonly warn: Write;
  /** An operator has to act: money, a setting, or the program itself is wrong. */
  readonly error: Write;
}

/**
 * Bytes that wait for the reader of stdout; further lines are dropped and counted. Lines are
 * written in the background, so a slow reader delays no payment.
 */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

const PACKAGE = new URL('../../../package.json', import.meta.url);

export const { version: VERSION } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
  readonly version: string;
};

const destination = pino.destination({ dest: 1, sync: false, maxLength: WAITING_BYTES_MAX });
let dropped = 0;
destination.on('drop', () => {
  dropped++;
});
// The reader of stdout is gone (EPIPE): losing lines is better than stopping.
destination.on('error', () => {});

/** `instance` is this instance's number in each line; undefined before the settings are read. */
export function createLog(clock: Clock, instance?: number): Log {
  const logger = pino(
    {
      base: { ...(Number.isInteger(instance) && { instance }), version: VERSION },
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

/** Writes all waiting lines now. Call it before the process ends. */
export function flushLog(): void {
  try {
    destination.flushSync();
  } catch {
    // The reader is gone.
  }
}
