// What the processors say of themselves, asked by one instance and told to all.
//
// A processor grants one call per 5 s over all callers and holds an early one back until its next window, so a call waits longer
// than 5 s for its answer and a new leader starts with a pause.

import { sleep, type Clock } from '../clock.ts';
import { PROCESSORS, processorName, type ProcessorIndex } from '../payment.ts';
import type { Health, Processor } from './processor.ts';

export interface HealthWatchParts {
  readonly clock: Clock;
  readonly processors: readonly [Processor, Processor];
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Since when this instance leads, by the clock's elapsed time; undefined while it doesn't. */
  readonly leadingSinceMs: () => number | undefined;
  readonly publish: (text: string) => void;
  readonly onHealth: (processor: ProcessorIndex, health: Health) => void;
}

export class HealthWatch {
  readonly #parts: HealthWatchParts;
  #stopped = false;

  constructor(parts: HealthWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    for (const processor of PROCESSORS) void this.#watch(processor);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Takes what the leader told. */
  hear(text: string): void {
    const [name, failing, minResponseTimeMs] = text.split(' ');
    const processor = PROCESSORS.find((candidate) => processorName(candidate) === name);
    if (processor === undefined || !/^\d+(\.\d+)?$/.test(minResponseTimeMs ?? '')) return;
    const health = { failing: failing === 'failing', minResponseTimeMs: Number(minResponseTimeMs) };
    this.#parts.onHealth(processor, health);
  }

  async #watch(processor: ProcessorIndex): Promise<void> {
    const { clock, processors, everyMs, timeoutMs, leadingSinceMs, publish } = this.#parts;
    while (!this.#stopped) {
      await sleep(clock, everyMs);
      const since = leadingSinceMs();
      if (this.#stopped || since === undefined || clock.elapsed() - since < everyMs) continue;
      const health = await processors[processor].health(timeoutMs);
      if (health === undefined) continue;
      const word = health.failing ? 'failing' : 'working';
      publish(`${processorName(processor)} ${word} ${health.minResponseTimeMs}`);
    }
  }
}
