// What a restart found pinned in the journal, until it is known what became of it: its processor
// may have acknowledged it before, and whether it is recorded isn't known. While there are some, no
// summary of this instance is true. Each leaves when it is known: recorded, on its way into the
// ledger, or absent at its processor, which proves that nothing was acknowledged.
//
// A processor that doesn't say for long must not keep summaries away for ever: after
// `RECOVERING_MAX_MS` such a payment counts as what any other unknown outcome is, not acknowledged.

import { becomesTrue, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';

export const RECOVERING_MAX_MS = 300_000;

export class Recovering {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #slots = new Set<number>();
  #sinceMs = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get count(): number {
    return this.#slots.size;
  }

  add(slot: number): void {
    this.#sinceMs = this.#clock.elapsed();
    this.#slots.add(slot);
  }

  /** What became of the payment in `slot` is known, or its slot is freed. */
  end(slot: number): void {
    if (this.#slots.size > 0) this.#slots.delete(slot);
  }

  /** Whether there is none left `withinMs` from now; resolves as soon as that is so. */
  async isOver(withinMs: number): Promise<boolean> {
    if (this.#slots.size === 0) return true;
    return becomesTrue(this.#clock, withinMs, () => {
      if (this.#clock.elapsed() - this.#sinceMs >= RECOVERING_MAX_MS) this.#giveUp();
      return this.#slots.size === 0;
    });
  }

  #giveUp(): void {
    if (this.#slots.size === 0) return;
    const [payments, waitedMs] = [this.#slots.size, RECOVERING_MAX_MS];
    this.#log.error('summaries leave out what a restart found', { payments, waitedMs });
    this.#slots.clear();
  }
}
