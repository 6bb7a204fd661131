// The timers under way, known so that a simulator that ends leaves none behind.

import type { Clock, Timer } from '../../src/clock.ts';

/** What of a clock a simulator needs: it never asks what time it is. */
export type SimulatorClock = Pick<Clock, 'elapsed' | 'after'>;

export class Timers {
  readonly #clock: SimulatorClock;
  readonly #pending = new Set<Timer>();

  constructor(clock: SimulatorClock) {
    this.#clock = clock;
  }

  after(delayMs: number, callback: () => void): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#pending.delete(timer);
      callback();
    });
    this.#pending.add(timer);
  }

  cancelAll(): void {
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
  }
}
