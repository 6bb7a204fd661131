// The payments that a restart found pinned in the journal and whose outcome is not known yet. A
// processor may have acknowledged such a payment before the restart, and the ledger may not have
// it. So summaries wait until there are none. A payment leaves once it is recorded, is on its way
// into the ledger, or is absent at its processor, which proves that nothing was acknowledged.

import { becomesTrue, type Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';

/**
 * A silent processor must not block summaries for ever. After this time a payment counts like any
 * other unknown outcome: as not acknowledged.
 */
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

  /** Call it when the outcome of the payment in `slot` is known, or the slot is freed. */
  end(slot: number): void {
    if (this.#slots.size > 0) this.#slots.delete(slot);
  }

  /** Resolves with true as soon as no payment is left, or with false after `withinMs`. */
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
