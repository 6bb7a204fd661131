// A processor's two limiters. Both serve the oldest waiting call first and refuse when their queue
// is full.

import type { SimulatorClock, Timers } from './timers.ts';

/** Limits how many calls run and how many wait, POST and GET of payments together. */
export class ConcurrencyLimiter {
  readonly #atOnceMax: number;
  readonly #queueMax: number;
  readonly #queue: (() => void)[] = [];
  #atOnce = 0;

  constructor(atOnceMax: number, queueMax: number) {
    this.#atOnceMax = atOnceMax;
    this.#queueMax = queueMax;
  }

  get atOnce(): number {
    return this.#atOnce;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** False when it is full. Otherwise `run` is called, now or later; then call `leave` once. */
  enter(run: () => void): boolean {
    if (this.#atOnce < this.#atOnceMax) {
      this.#atOnce++;
      run();
      return true;
    }
    if (this.#queue.length === this.#queueMax) return false;
    this.#queue.push(run);
    return true;
  }

  /** Drops the waiting calls. */
  clear(): void {
    this.#queue.length = 0;
  }

  leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#atOnce--;
    else next();
  }
}

const HEALTH_QUEUE_MAX = 2;

/**
 * One call per window. The windows lie on a fixed grid from the first call on, as with .NET's
 * FixedWindowRateLimiter: two calls can come close together if a window ends between them.
 */
export class HealthWindow {
  readonly #clock: SimulatorClock;
  readonly #timers: Timers;
  readonly #windowMs: number;
  readonly #queue: (() => void)[] = [];
  #firstAt: number | undefined;
  #windowServed = -1;
  #timerSet = false;

  constructor(clock: SimulatorClock, timers: Timers, windowMs: number) {
    this.#clock = clock;
    this.#timers = timers;
    this.#windowMs = windowMs;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** False when two calls wait already. Otherwise `run` is called now or in a later window. */
  enter(run: () => void): boolean {
    this.#firstAt ??= this.#clock.elapsed();
    const window = this.#window();
    if (window > this.#windowServed && this.#queue.length === 0) {
      this.#windowServed = window;
      run();
      return true;
    }
    if (this.#queue.length === HEALTH_QUEUE_MAX) return false;
    this.#queue.push(run);
    this.#wait();
    return true;
  }

  /** The caller is gone: its place is free again, and it uses no window. */
  withdraw(run: () => void): void {
    const at = this.#queue.indexOf(run);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  #window(): number {
    return Math.floor((this.#clock.elapsed() - (this.#firstAt ?? 0)) / this.#windowMs);
  }

  #wait(): void {
    if (this.#timerSet || this.#queue.length === 0) return;
    this.#timerSet = true;
    const next = (this.#firstAt ?? 0) + (this.#windowServed + 1) * this.#windowMs;
    const delayMs = Math.max(1, Math.ceil(next - this.#clock.elapsed()));
    this.#timers.after(delayMs, () => this.#serveNext());
  }

  #serveNext(): void {
    this.#timerSet = false;
    const window = this.#window();
    // A timer can fire slightly before the window begins.
    if (window > this.#windowServed) {
      const run = this.#queue.shift();
      if (run !== undefined) {
        this.#windowServed = window;
        run();
      }
    }
    this.#wait();
  }
}
