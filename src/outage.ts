// Something that works, or doesn't for a while: said once when that begins, once for each further
// cause, and once when it is over.

import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

type Details = Readonly<Record<string, unknown>>;

export interface OutageParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The events: at the beginning (and for each further cause), and at the end. */
  readonly begins: string;
  readonly ends: string;
  /** Of the causes that somebody has to see to. None by default. */
  readonly isError?: (cause: string) => boolean;
}

/** Different causes of one outage that are said. */
const CAUSES_MAX = 20;

export class Outage {
  readonly #parts: OutageParts;
  #sinceMs = 0;
  #failures = 0;
  readonly #causes = new Set<string>();

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  /** Failures since it began; 0 while all is well. */
  get failures(): number {
    return this.#failures;
  }

  /** Once more it didn't work. */
  failed(cause: string, details: Details): void {
    const { clock, log, begins, isError } = this.#parts;
    if (this.#failures === 0) this.#sinceMs = clock.elapsed();
    this.#failures++;
    if (this.#causes.has(cause) || this.#causes.size >= CAUSES_MAX) return;
    this.#causes.add(cause);
    if (isError?.(cause)) log.error(begins, details);
    else log.warn(begins, details);
  }

  /** It works. */
  works(details: Details = {}): void {
    if (this.#failures === 0) return;
    const { clock, log, ends } = this.#parts;
    const lastedMs = Math.round(clock.elapsed() - this.#sinceMs);
    log.info(ends, { lastedMs, failures: this.#failures, ...details });
    this.#failures = 0;
    this.#causes.clear();
  }
}
