// The reconcilers of both processors.

import { UNPINNED } from '../buffer/slot-state.ts';
import type { Config } from '../config/config.ts';
import { DEFAULT, FALLBACK, type ProcessorIndex } from '../payment.ts';
import { Reconciler, type ReconcilerParts, type Since } from './reconciler.ts';
import type { Taken, Unknown, Unknowns } from './unknown-payment.ts';

export class Reconcilers {
  readonly #ring: ReconcilerParts['ring'];
  readonly #both: readonly [Reconciler, Reconciler];

  constructor(parts: Omit<ReconcilerParts, 'processor'> & { readonly config: Config }) {
    this.#ring = parts.ring;
    this.#both = [
      new Reconciler({ ...parts, processor: DEFAULT }),
      new Reconciler({ ...parts, processor: FALLBACK }),
    ];
  }

  /** Payments whose outcome is unknown. */
  get pending(): number {
    return this.#both[DEFAULT].pending + this.#both[FALLBACK].pending;
  }

  /** Requests under way that a processor may still store, also of payments that are settled. */
  get resending(): number {
    return this.#both[DEFAULT].resending + this.#both[FALLBACK].resending;
  }

  /** Takes a pinned payment. */
  add(slot: number, since: Since): void {
    const pin = this.#ring.pinOf(slot);
    if (pin === -1) throw new Error(`slot ${slot} has no pin`);
    this.#both[pin].add(slot, since);
  }

  /** What is known of the payment in `slot`; undefined if its outcome isn't unknown. */
  find(slot: number): Unknown | undefined {
    return this.#unknownsOf(slot)?.find(slot);
  }

  /** The payment is asked about now, and sent again if its processor doesn't hold it. */
  retry(unknown: Unknown): void {
    this.#unknownsOf(unknown.slot)?.hurryOne(unknown);
  }

  /**
   * Removes a payment from here as soon as nothing is under way for it, and calls `taken(true)`;
   * `taken(false)` if its outcome is known before.
   */
  take(unknown: Unknown, taken: Taken): void {
    this.#unknownsOf(unknown.slot)?.take(unknown, taken);
  }

  /** The processor works again: its payments are asked about and sent now. */
  hurry(processor: ProcessorIndex): void {
    this.#both[processor].hurry();
  }

  /** Questions under way are finished; what is left stays pinned in the journal. */
  stop(): void {
    for (const reconciler of this.#both) reconciler.stop();
  }

  /** The first `most` payments, for the status. */
  list(most: number): Record<string, unknown>[] {
    const listed = this.#both[DEFAULT].list(most);
    listed.push(...this.#both[FALLBACK].list(most - listed.length));
    return listed;
  }

  #unknownsOf(slot: number): Unknowns | undefined {
    const pin = this.#ring.pinOf(slot);
    return pin === UNPINNED ? undefined : this.#both[pin].unknowns;
  }
}
