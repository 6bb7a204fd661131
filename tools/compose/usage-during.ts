// What containers use while something goes on: they are looked at every few seconds.

import { sleep, systemClock } from '../../src/clock.ts';
import { usageBetween, type Usage } from './usage.ts';

const SAMPLE_MS = 2_000;

export interface UsedDuring<T> {
  readonly result: T;
  /** From the first look to the last one; of memory, the most that was seen. */
  readonly used: ReadonlyMap<string, Usage>;
}

/** Resolves after `during`. Rejects as it does, or when a look failed. */
export async function usageDuring<T>(
  look: () => Promise<ReadonlyMap<string, Usage>>,
  during: () => Promise<T>,
): Promise<UsedDuring<T>> {
  const before = await look();
  const used = new Map<string, Usage>();
  const take = async (): Promise<void> => {
    for (const [service, now] of await look()) {
      const mostBytes = Math.max(used.get(service)?.memoryBytes ?? 0, now.memoryBytes);
      const since = usageBetween(before.get(service) ?? now, now);
      used.set(service, { ...since, memoryBytes: mostBytes });
    }
  };
  const work = { over: false };
  const sampling = (async (): Promise<void> => {
    while (!work.over) {
      await take();
      await sleep(systemClock, SAMPLE_MS);
    }
  })();
  // It is awaited below, after `during`.
  sampling.catch(() => undefined);
  const result = await during().finally(() => {
    work.over = true;
  });
  await sampling;
  await take();
  return { result, used };
}
