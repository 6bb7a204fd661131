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
import type { Log } from '../log.ts';
import { PROCESSORS, processorName, type Charge, type ProcessorIndex } from '../payment.ts';
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
  readonly log: Log;
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
    const { clock, ring, queue, onAbsent } = this.#parts;
    const answers = await Promise.all(PROCESSORS.map((processor) => this.#ask(slot, processor)));
    const holders = PROCESSORS.filter((processor) => typeof answers[processor] === 'object');
    const [holder] = holders;
    if (holder !== undefined) {
      this.#failures = 0;
      if (holders.length > 1) this.#tellOfTwo(slot, answers as readonly Charge[]);
      this.#take(slot, holder, answers[holder] as Charge);
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

  /** The processor's values are those that the ledger has to have. */
  #take(slot: number, processor: ProcessorIndex, held: Charge): void {
    const { ring, log, onCharged } = this.#parts;
    const amountCents = ring.amountCents[slot];
    const name = processorName(processor);
    log.error('charged and missing in the ledger', { ...held, processor: name, amountCents });
    ring.pin(slot, processor, held.requestedAtMs);
    ring.correct(slot, held.amountCents, held.requestedAtMs);
    onCharged(slot, processor);
  }

  #tellOfTwo(slot: number, [byDefault, byFallback]: readonly Charge[]): void {
    const correlationId = this.#parts.ring.idText(slot);
    this.#parts.log.error('charged at both processors', { correlationId, byDefault, byFallback });
  }
}
