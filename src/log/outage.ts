// Logs the outage of something that fails for a while: one line when the outage begins, one for
// each further cause, and one when it is over.

import type { Clock } from '../clock.ts';
import type { Log } from './log.ts';

type Details = Readonly<Record<string, unknown>>;

export interface OutageParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The event that is logged when the outage begins, and for each further cause. */
  readonly begins: string;
  /** The event that is logged when the outage is over. */
  readonly ends: string;
  /** Whether a cause is logged as an error, not a warning. By default none is. */
  readonly isError?: (cause: string) => boolean;
}

/** Causes of one outage that are logged. */
const CAUSES_MAX = 20;

export class Outage {
  readonly #parts: OutageParts;
  #sinceMs = 0;
  #failures = 0;
  readonly #causes = new Set<string>();

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  /** Failures since the outage began; 0 without an outage. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure, and logs its cause the first time in this outage. */
  failed(cause: string, details: Details): void {
    const { clock, log, begins, isError } = this.#parts;
    if (this.#failures === 0) this.#sinceMs = clock.elapsed();
    this.#failures++;
    if (this.#causes.has(cause) || this.#causes.size >= CAUSES_MAX) return;
    this.#causes.add(cause);
    if (isError?.(cause)) log.error(begins, details);
    else log.warn(begins, details);
  }

  /** Ends the outage, if there is one. */
  works(details: Details = {}): void {
    if (this.#failures === 0) return;
    const { clock, log, ends } = this.#parts;
    const lastedMs = Math.round(clock.elapsed() - this.#sinceMs);
    log.info(ends, { lastedMs, failures: this.#failures, ...details });
    this.#failures = 0;
    this.#causes.clear();
  }
}
