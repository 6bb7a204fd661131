// How long an answer waits until what it promises is safe: for a sync of the disk, or a commit. At
// the bound the answer is that it isn't known, and until that sync has ended nothing more is taken.

import type { Clock } from '../clock.ts';
import { Histogram } from '../histogram.ts';
import type { Log } from '../log/log.ts';
import { Outage } from '../log/outage.ts';

export interface SafeSoonParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a sync fails, however late. */
  readonly onFatal: (error: unknown) => void;
}

/** Well below the time that nginx waits for the answer to a payment. */
const SAFE_SOON_MS = 700;

export class SafeSoon {
  /** How long each sync took that an answer waited for. */
  readonly durations = new Histogram();
  readonly #clock: Clock;
  readonly #onFatal: (error: unknown) => void;
  readonly #outage: Outage;
  #latest: Promise<void> | undefined;
  #answer: Promise<boolean> = Promise.resolve(true);
  /** Syncs that took longer and are still under way. */
  #late = 0;

  constructor({ clock, log, onFatal }: SafeSoonParts) {
    this.#clock = clock;
    this.#onFatal = onFatal;
    const [begins, ends] = ['journal is late', 'journal is in time again'];
    this.#outage = new Outage({ clock, log, begins, ends });
  }

  get isLate(): boolean {
    return this.#late > 0;
  }

  /** Resolves with whether `synced` resolves within SAFE_SOON_MS; rejects as it does. */
  of(synced: Promise<void>): Promise<boolean> {
    // All who wait for one sync share one timer.
    if (synced === this.#latest) return this.#answer;
    this.#latest = synced;
    this.#answer = new Promise((resolve, reject) => {
      let [isLate, hasEnded] = [false, false];
      const beganMs = this.#clock.elapsed();
      const late = (): void => {
        if (hasEnded) return;
        isLate = true;
        this.#late++;
        this.#outage.failed('late', { forMs: SAFE_SOON_MS });
        resolve(false);
      };
      // If the process stood still, the sync may have ended meanwhile: its end is heard first.
      const timer = this.#clock.after(SAFE_SOON_MS, () => this.#clock.soon(late));
      synced.then(
        () => {
          hasEnded = true;
          timer.cancel();
          this.durations.observeMs(this.#clock.elapsed() - beganMs);
          if (isLate) this.#late--;
          if (this.#late === 0) this.#outage.works();
          resolve(true);
        },
        (error: unknown) => {
          // Nobody may wait for it any more, and nothing more is taken that would meet the failure.
          this.#onFatal(error);
          reject(error);
        },
      );
    });
    return this.#answer;
  }
}
