// The composition while it runs, at the ports that it publishes.

import { sleep, systemClock } from '../../src/clock.ts';
import { Endpoints } from '../audit/endpoints.ts';

export const PORT = 9999;
export const PROCESSOR_URLS = ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'] as const;
/** All that are published. */
export const PORTS = [PORT, 8001, 8002] as const;
export const TOKEN = '123';

const POLL_MS = 50;

export const endpoints = new Endpoints(
  { backend: `http://127.0.0.1:${PORT}`, processors: PROCESSOR_URLS },
  TOKEN,
);

export const summaryAnswers = async (): Promise<boolean> =>
  (await endpoints.backendSummary()).status === 200;

/** The time from `beganMs` until `holds`. @throws Error when that takes longer than `withinMs`. */
export async function msUntil(
  what: string,
  withinMs: number,
  holds: () => Promise<boolean>,
  beganMs = systemClock.elapsed(),
): Promise<number> {
  while (!(await holds())) {
    if (systemClock.elapsed() - beganMs > withinMs) {
      throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    }
    await sleep(systemClock, POLL_MS);
  }
  return systemClock.elapsed() - beganMs;
}
