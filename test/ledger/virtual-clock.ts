// A clock that a test moves. What its timers start is given time to happen.

import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '../../src/clock.ts';

export class VirtualClock implements Clock {
  #nowMs = 0;
  #state = 4_711;
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  /** The same numbers in each run (Park and Miller). */
  random(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Time passes and nothing runs: the timers of meanwhile are late. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves on by `ms`, through every timer on the way, in their order. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await turn();
    for (;;) {
      const [next] = [...this.#timers]
        .filter(({ atMs }) => atMs <= end)
        .toSorted((left, right) => left.atMs - right.atMs);
      if (!next) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await turn();
    }
    this.#nowMs = end;
    await turn();
  }
}
