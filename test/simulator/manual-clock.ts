// A clock that moves only when a test says so.

import type { Timer } from '../../src/clock.ts';
import type { SimulatorClock } from '../../tools/simulator/timers.ts';

interface Alarm {
  readonly atMs: number;
  readonly callback: () => void;
}

export class ManualClock implements SimulatorClock {
  readonly #alarms = new Set<Alarm>();
  #elapsedMs = 0;

  get pending(): number {
    return this.#alarms.size;
  }

  now(): number {
    return this.#elapsedMs;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const alarm = { atMs: this.#elapsedMs + delayMs, callback };
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** Rings, in their order, all alarms up to `durationMs` from now. */
  advance(durationMs: number): void {
    const untilMs = this.#elapsedMs + durationMs;
    for (;;) {
      const [next] = [...this.#alarms].toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#alarms.delete(next);
      this.#elapsedMs = next.atMs;
      next.callback();
    }
    this.#elapsedMs = untilMs;
  }
}
