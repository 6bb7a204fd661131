// The open timers, so that a simulator that ends can cancel them.

import type { Clock, Timer } from '../../src/clock.ts';

/** What a simulator needs of a clock. */
export type SimulatorClock = Pick<Clock, 'now' | 'elapsed' | 'after'>;

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
