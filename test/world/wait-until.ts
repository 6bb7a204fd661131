// Waits for a condition, never for a fixed time: asks again and again until it holds, and names
// what never came true.

import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/**
 * Resolves with the first truthy answer of `condition`; an answer that throws counts as not yet.
 * @throws Error with `what` and the last answer, once `withinMs` (10 s) have passed.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 10 }: Patience = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let last: unknown;
    try {
      const answer = await condition();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`not within ${withinMs} ms: ${what} (last: ${String(last)})`);
    }
    await sleep(everyMs);
  }
}
