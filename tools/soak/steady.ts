// The first part of a soak: payments at a steady rate for minutes, and what the parts use
// meanwhile. In each of the cycles both processors misbehave for a third of the time, so that what
// only a failure uses is used all along, and a backlog is gone before the next cycle.

import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../../test/world/world.ts';
import { heal, misbehave, type Chance } from './mischief.ts';
import { SoakSampler, type Sample } from './sampler.ts';

const CYCLES = 60;
const SAMPLES = 360;
/** A sample costs the parts some CPU. */
const SAMPLE_LEAST_MS = 1_000;

export interface Steady {
  readonly minutes: number;
  readonly chance: Chance;
  readonly adminPaths: readonly string[];
  readonly say: (line: string) => void;
}

/** At the end the processors are well. */
export async function runSteadily(
  world: World,
  { minutes, chance, adminPaths, say }: Steady,
): Promise<readonly Sample[]> {
  const sampler = new SoakSampler(world, adminPaths);
  const cycleMs = (60_000 * minutes) / CYCLES;
  const sampleMs = Math.max(SAMPLE_LEAST_MS, (60_000 * minutes) / SAMPLES);
  const startedMs = performance.now();
  const over = new AbortController();
  const sampling = (async () => {
    for (let n = 0; !over.signal.aborted; n++) {
      await sampler.take();
      const nextMs = startedMs + (n + 1) * sampleMs;
      await sleep(Math.max(0, nextMs - performance.now()), undefined, {
        signal: over.signal,
      }).catch(() => {});
    }
  })();
  try {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await Promise.race([sampling, misbehaveIn(world, chance, cycleMs)]);
      if (cycle % 6 === 5)
        say(`${Math.round((100 * (cycle + 1)) / CYCLES)} % of ${minutes} minutes`);
    }
  } finally {
    over.abort();
    await sampling.finally(() => sampler.close());
  }
  return sampler.samples;
}

async function misbehaveIn({ processors }: World, chance: Chance, cycleMs: number): Promise<void> {
  const endMs = performance.now() + cycleMs;
  await misbehave(processors, chance);
  await sleep(cycleMs / 3);
  await heal(processors);
  await sleep(Math.max(0, endMs - performance.now()));
}
