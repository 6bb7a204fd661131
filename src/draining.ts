// Clients are refused while the number of instances is about to change: said when that begins, each
// minute, and when it is over.

import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

const SAID_EVERY_MS = 60_000;

export class Draining {
  readonly #clock: Clock;
  readonly #log: Log;
  #sinceMs: number | undefined;
  #saidMs = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether it is so: at each look. */
  say(drains: boolean): void {
    if (drains) this.#sayOn();
    else if (this.#sinceMs !== undefined) {
      this.#log.info('draining is over', { lastedMs: this.#passed(this.#sinceMs) });
      this.#sinceMs = undefined;
    }
  }

  #sayOn(): void {
    if (this.#sinceMs !== undefined && this.#passed(this.#saidMs) < SAID_EVERY_MS) return;
    this.#saidMs = this.#clock.elapsed();
    this.#sinceMs ??= this.#saidMs;
    const why = 'the number of instances is about to change: clients are refused';
    this.#log.warn('draining', { why, forMs: this.#passed(this.#sinceMs) });
  }

  #passed(sinceMs: number): number {
    return Math.round(this.#clock.elapsed() - sinceMs);
  }
}
