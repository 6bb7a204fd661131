// Reconciliation: payments that may be at a processor are asked about there until it is known.
//
// A payment that the processor doesn't hold may still be on its way in (a processor that was given up on goes on working), so
// it is sent again, identically, to the same processor and nowhere else: 200 settles it, after 422 the next question finds it. A 5xx to that
// second request proves nothing about the first, so the pin stays.

import { sleep, type Clock } from '../clock.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Processor } from '../gateways/processor.ts';
import type { Charge, ProcessorIndex } from '../payment.ts';
import { chargeOf } from './attempt.ts';
import { doublingMs } from './backoff.ts';

interface SlotQueue {
  push(slot: number): void;
  shift(): number;
  readonly length: number;
}

export interface ReconcilerParts {
  readonly clock: Clock;
  readonly ring: Ring;
  /** Asked about at once, per processor: one that is away holds up nobody at the other. */
  readonly reconcilers: number;
  readonly processors: readonly [Processor, Processor];
  /** One per processor, each with room for every slot. */
  readonly queues: readonly [SlotQueue, SlotQueue];
  readonly timeoutMs: (processor: ProcessorIndex) => number;
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /**
   * What a restart found: ended once it is known whether the processor can have acknowledged it
   * before.
   */
  readonly recovering: { end(slot: number): void };
  readonly contradictions: {
    heldOtherwise(processor: ProcessorIndex, sent: Charge, held: Charge): void;
  };
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

export class Reconcilers {
  readonly #parts: ReconcilerParts;
  readonly #busy: [number, number] = [0, 0];
  /** Tries in a row that settled nothing. */
  readonly #failures: [number, number] = [0, 0];
  #stopped = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Payments whose outcome is unknown. */
  get pending(): number {
    const [first, second] = this.#parts.queues;
    return first.length + second.length + this.#busy[0] + this.#busy[1];
  }

  /** Takes a pinned payment. */
  add(slot: number): void {
    const processor = this.#parts.ring.pinOf(slot);
    if (processor === -1) throw new Error(`slot ${slot} has no pin`);
    this.#parts.queues[processor].push(slot);
    this.#startOne(processor);
  }

  /** Lets those under way finish the question that they are at; what is left stays pinned in the journal. */
  stop(): void {
    this.#stopped = true;
  }

  #startOne(processor: ProcessorIndex): void {
    if (this.#stopped || this.#busy[processor] >= this.#parts.reconcilers) return;
    const slot = this.#parts.queues[processor].shift();
    if (slot < 0) return;
    this.#busy[processor]++;
    void this.#reconcile(slot, processor);
  }

  /** Asks once; a payment that stays unknown goes to the end of the queue, behind those that may be known by now. */
  async #reconcile(slot: number, processor: ProcessorIndex): Promise<void> {
    const known = await this.#ask(slot, processor);
    if (known === 'charged') {
      this.#failures[processor] = 0;
      this.#parts.onCharged(slot, processor);
      this.#parts.recovering.end(slot);
    } else {
      // A processor that answers questions and is only slower than our patience will know of what was just sent: no reason to wait
      // longer each time.
      if (known === 'sent') this.#failures[processor] = 0;
      const pauseMs = doublingMs(this.#failures[processor]++, RETRY_FIRST_MS, RETRY_MAX_MS);
      await sleep(this.#parts.clock, pauseMs);
      this.#parts.queues[processor].push(slot);
    }
    this.#busy[processor]--;
    this.#startOne(processor);
  }

  /** 'sent': it isn't there, was sent once more, and no answer came in time. */
  async #ask(slot: number, processor: ProcessorIndex): Promise<'charged' | 'sent' | 'nothing'> {
    const { ring, processors, timeoutMs, recovering, contradictions } = this.#parts;
    const sent = chargeOf(ring, slot);
    const held = await processors[processor].lookup(sent.correlationId, timeoutMs(processor));
    if (held === 'unknown') return 'nothing';
    if (held === 'absent') {
      // Who was told that it is charged would find it there.
      recovering.end(slot);
      const outcome = await processors[processor].charge(sent, timeoutMs(processor));
      if (outcome === 'charged') return 'charged';
      return outcome === 'unknown' ? 'sent' : 'nothing';
    }
    if (held.amountCents !== sent.amountCents) contradictions.heldOtherwise(processor, sent, held);
    ring.correct(slot, held.amountCents, held.requestedAtMs);
    return 'charged';
  }
}
