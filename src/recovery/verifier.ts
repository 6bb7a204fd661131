// Verification: payments that may be settled already are looked up in the ledger, in batches, before they are queued: what a
// restart finds in the journal, and what was taken while the ledger couldn't be asked.

import { sleep, type Clock } from '../clock.ts';
import type { LedgerRow } from '../payment.ts';

export interface VerifierParts {
  readonly clock: Clock;
  /** Room for every slot. */
  readonly queue: { push(slot: number): void; shift(): number; readonly length: number };
  readonly idText: (slot: number) => string;
  /** The rows of those that are settled. @throws when the ledger can't be asked */
  readonly find: (correlationIds: readonly string[]) => Promise<readonly LedgerRow[]>;
  readonly onSettled: (slot: number, row: LedgerRow) => void;
  readonly onUnsettled: (slot: number) => void;
}

const BATCH = 500;
const RETRY_MS = 200;

export class Verifier {
  readonly #parts: VerifierParts;
  #batch: number[] = [];
  #running = false;
  #stopped = false;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#parts.queue.length + this.#batch.length;
  }

  add(slot: number): void {
    this.#parts.queue.push(slot);
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#parts.clock.soon(() => void this.#run());
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    const { queue } = this.#parts;
    while (queue.length > 0 && !this.#stopped) {
      while (queue.length > 0 && this.#batch.length < BATCH) this.#batch.push(queue.shift());
      const settled = await this.#lookUp();
      if (settled === undefined) break;
      for (const slot of this.#batch) {
        const row = settled.get(this.#parts.idText(slot));
        if (row === undefined) this.#parts.onUnsettled(slot);
        else this.#parts.onSettled(slot, row);
      }
      this.#batch = [];
    }
    this.#running = false;
  }

  /** Asks until the ledger answers; undefined when we stop before it does. */
  async #lookUp(): Promise<ReadonlyMap<string, LedgerRow> | undefined> {
    while (!this.#stopped) {
      try {
        const rows = await this.#parts.find(this.#batch.map(this.#parts.idText));
        return new Map(rows.map((row) => [row.correlationId, row]));
      } catch {
        await sleep(this.#parts.clock, RETRY_MS);
      }
    }
    return undefined;
  }
}
