// Says now and then how far a long comparison is.

import type { Clock } from '../clock.ts';

const EVERY_MS = 5_000;

export class Progress {
  readonly #clock: Clock;
  readonly #say: (text: string) => void;
  #lastMs: number;

  constructor(clock: Clock, say: (text: string) => void) {
    this.#clock = clock;
    this.#say = say;
    this.#lastMs = clock.elapsed();
  }

  /** Call this at each step; `text` is made if a line is due. */
  step(text: () => string): void {
    const nowMs = this.#clock.elapsed();
    if (nowMs - this.#lastMs < EVERY_MS) return;
    this.#lastMs = nowMs;
    this.#say(text());
  }
}
