// The delay of the event loop, over the last minute or two.

import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Each interval wakes the process: at 20 ms an idle instance used as much CPU again. */
const RESOLUTION_MS = 50;
const RENEWED_MS = 60_000;

export class LoopDelay {
  /** Milliseconds on a monotonic clock. */
  readonly #elapsed: () => number;
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #sinceMs: number;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
    this.#sinceMs = elapsed();
    this.#loop.enable();
  }

  /** In milliseconds; `percentile` from 1 to 100. */
  percentileMs(percentile: number): number {
    // The histogram has intervals between its timers, RESOLUTION_MS each.
    return Math.max(0, this.#loop.percentile(percentile) / 1e6 - RESOLUTION_MS);
  }

  /** Call it after a reading. Not every reading starts anew: several readers may share it. */
  renew(): void {
    if (this.#elapsed() - this.#sinceMs < RENEWED_MS) return;
    this.#sinceMs = this.#elapsed();
    this.#loop.reset();
  }
}
