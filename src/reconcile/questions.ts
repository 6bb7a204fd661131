// Questions to the processors about payments by their id: a few at once, at a bounded rate, so that
// they disturb a running system little. A processor that answers no question any more is not asked
// on.

import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { LookupResult } from '../gateways/processor.ts';
import type { ProcessorIndex } from '../payment.ts';
import type { Answer } from './difference.ts';

interface Asked {
  lookup(correlationId: string, timeoutMs: number): Promise<LookupResult>;
}

export interface QuestionsParts {
  readonly clock: Clock;
  readonly processors: readonly [Asked, Asked];
  /** Questions in a second, of both processors together. */
  readonly rate: number;
}

const TIMEOUT_MS = 5_000;
const TRIES = 3;
const RETRY_MS = 250;
/** So many payments in a row without an answer: the processor is silent. */
const SILENT_AFTER = 10;
export const QUESTIONS_AT_ONCE = 16;

export class Questions {
  readonly #parts: QuestionsParts;
  readonly #unanswered = [0, 0] as [number, number];
  /** By processor, what came instead of an answer, last. */
  readonly #failures = ['', ''] as [string, string];
  #nextMs = 0;

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
  }

  isSilent(processor: ProcessorIndex): boolean {
    return this.#unanswered[processor] >= SILENT_AFTER;
  }

  /** Why the last unanswered question had no answer; '' if each had one. */
  failure(processor: ProcessorIndex): string {
    return this.#failures[processor];
  }

  async ask(processor: ProcessorIndex, correlationId: string): Promise<Answer> {
    const { clock, processors } = this.#parts;
    for (let tries = 0; tries < TRIES && !this.isSilent(processor); tries++) {
      if (tries > 0) await sleep(clock, doublingMs(tries, RETRY_MS, 10 * RETRY_MS));
      await this.#turn();
      const { held, status, excerpt } = await processors[processor].lookup(
        correlationId,
        TIMEOUT_MS,
      );
      if (held !== 'unknown') {
        this.#unanswered[processor] = 0;
        if (held === 'absent') return held;
        return { cents: BigInt(held.amountCents), requestedAtMs: held.requestedAtMs };
      }
      const what = status === 0 ? 'had no answer' : `answered ${status}`;
      this.#failures[processor] = `GET /payments/${correlationId} ${what}: ${excerpt}`;
    }
    this.#unanswered[processor]++;
    return 'unknown';
  }

  /** Resolves when the next question may leave. */
  async #turn(): Promise<void> {
    const { clock, rate } = this.#parts;
    const nowMs = clock.elapsed();
    const atMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = atMs + 1_000 / rate;
    if (atMs > nowMs) await sleep(clock, atMs - nowMs);
  }
}

/** Calls `use` for each item, QUESTIONS_AT_ONCE at once. @throws what `use` throws first */
export async function forEachAtOnce<T>(
  items: readonly T[],
  use: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const work = async (): Promise<void> => {
    for (const item of left) await use(item);
  };
  await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, work));
}
