// A virtual clock in steps of a millisecond. A step runs everything that is due: timers, turns of
// the event loop, microtasks. The same run always gives the same result.

import type { Clock, Timer } from '../../src/clock.ts';

class StepTimer implements Timer {
  isCancelled = false;
  readonly callback: () => void;

  constructor(callback: () => void) {
    this.callback = callback;
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

export class StepClock implements Clock {
  #nowMs = 0;
  #state = 1;
  #turn: (() => void)[] = [];
  readonly #timers = new Map<number, StepTimer[]>();

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    // Like Node's: at least a millisecond.
    const atMs = this.#nowMs + Math.max(1, Math.ceil(delayMs));
    const timer = new StepTimer(callback);
    const others = this.#timers.get(atMs);
    if (others === undefined) this.#timers.set(atMs, [timer]);
    else others.push(timer);
    return timer;
  }

  soon(callback: () => void): void {
    this.#turn.push(callback);
  }

  /** The same numbers in each run (Park and Miller). */
  random(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }

  /** Runs everything of this millisecond, first `arrivals`, and goes on to the next one. */
  async step(arrivals: () => void): Promise<void> {
    const due = this.#timers.get(this.#nowMs);
    this.#timers.delete(this.#nowMs);
    arrivals();
    for (const timer of due ?? []) if (!timer.isCancelled) timer.callback();
    await microtasks();
    while (this.#turn.length > 0) {
      const turn = this.#turn;
      this.#turn = [];
      for (const callback of turn) callback();
      await microtasks();
    }
    this.#nowMs++;
  }
}

/** Resolves when no microtask is left. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
