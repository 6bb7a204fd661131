// Doubts: payments that either processor may hold although nothing here says so. Both are asked before the first attempt.
//
// - The memory of settled ids says "may be known" and the ledger says "absent": the ledger may have lost a committed row
//   (a restored backup, a failover to a copy that was behind).
// - A cell of the journal is damaged: it may have said that an attempt was at a processor.
//
//   asking ──one holds it──▶ recorded as that one holds it
//     │ └──neither holds it──▶ queued like any other
//     └──one doesn't say──▶ asked again later

import type { Ring } from '../buffer/ring.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Processor } from '../gateways/processor.ts';
import { PROCESSORS, type Charge, type LedgerRow, type ProcessorIndex } from '../payment.ts';
import { doublingMs } from './backoff.ts';

export interface DoubtParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly processors: readonly [Processor, Processor];
  /** Room for every slot. */
  readonly queue: { push(slot: number): void; shift(): number; readonly length: number };
  readonly timeoutMs: (processor: ProcessorIndex) => number;
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /** Neither processor holds the payment. */
  readonly onAbsent: (slot: number) => void;
  readonly contradictions: { foundCharged(slot: number, holders: readonly LedgerRow[]): void };
}

const AT_ONCE_MAX = 20;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;

export class Doubts {
  readonly #parts: DoubtParts;
  /** Until this time an attempt of an earlier life may still arrive: only from then on "absent" is believed. */
  #believedFromMs = 0;
  #busy = 0;
  /** Questions in a row that were not answered. */
  #failures = 0;
  #stopped = false;

  constructor(parts: DoubtParts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#parts.queue.length + this.#busy;
  }

  /** Takes an unpinned payment. */
  add(slot: number): void {
    this.#parts.queue.push(slot);
    this.#startOne();
  }

  /** After a restart that found damaged cells, or doubts: what its processors were sent may arrive within `waitMs`. */
  distrustFor(waitMs: number): void {
    this.#believedFromMs = this.#parts.clock.elapsed() + waitMs;
  }

  stop(): void {
    this.#stopped = true;
  }

  #startOne(): void {
    if (this.#stopped || this.#busy >= AT_ONCE_MAX) return;
    const slot = this.#parts.queue.shift();
    if (slot < 0) return;
    this.#busy++;
    void this.#resolve(slot);
  }

  async #resolve(slot: number): Promise<void> {
    const { clock, ring, queue, contradictions, onCharged, onAbsent } = this.#parts;
    const answers = await Promise.all(PROCESSORS.map((processor) => this.#ask(slot, processor)));
    const holders = PROCESSORS.flatMap((processor) => {
      const held = answers[processor];
      return typeof held === 'object' ? [{ ...held, processor }] : [];
    });
    const [holder] = holders;
    if (holder !== undefined) {
      this.#failures = 0;
      contradictions.foundCharged(slot, holders);
      // The processor's values are those that the ledger has to have.
      ring.pin(slot, holder.processor, holder.requestedAtMs);
      ring.correct(slot, holder.amountCents, holder.requestedAtMs);
      onCharged(slot, holder.processor);
    } else if (
      answers.every((answer) => answer === 'absent') &&
      clock.elapsed() >= this.#believedFromMs
    ) {
      this.#failures = 0;
      ring.isDoubtful[slot] = 0;
      onAbsent(slot);
    } else {
      await sleep(clock, doublingMs(this.#failures++, RETRY_FIRST_MS, RETRY_MAX_MS));
      queue.push(slot);
    }
    this.#busy--;
    this.#startOne();
  }

  async #ask(slot: number, processor: ProcessorIndex): Promise<Charge | 'absent' | 'unknown'> {
    const { processors, ring, timeoutMs } = this.#parts;
    return (await processors[processor].lookup(ring.idText(slot), timeoutMs(processor))).held;
  }
}
