// Reconciliation: payments that may be at a processor are asked about there until it is known.
//
// A payment that the processor doesn't hold may still be on its way in (a processor that was given up on goes on working), so
// it is sent again, identically, to the same processor and nowhere else: 200 and 422 both settle it. A 5xx to that
// second request proves nothing about the first, so the pin stays.

import { sleep, type Clock } from '../clock.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Processor } from '../gateways/processor.ts';
import type { ProcessorIndex } from '../payment.ts';
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
  readonly onDifference: (message: string, details: Record<string, unknown>) => void;
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
    if (await this.#isCharged(slot, processor)) {
      this.#failures[processor] = 0;
      this.#parts.onCharged(slot, processor);
    } else {
      const pauseMs = doublingMs(this.#failures[processor]++, RETRY_FIRST_MS, RETRY_MAX_MS);
      await sleep(this.#parts.clock, pauseMs);
      this.#parts.queues[processor].push(slot);
    }
    this.#busy[processor]--;
    this.#startOne(processor);
  }

  async #isCharged(slot: number, processor: ProcessorIndex): Promise<boolean> {
    const { ring, processors, timeoutMs, onDifference } = this.#parts;
    const sent = chargeOf(ring, slot);
    const held = await processors[processor].lookup(sent.correlationId, timeoutMs(processor));
    if (held === 'unknown') return false;
    if (held === 'absent') {
      return (await processors[processor].charge(sent, timeoutMs(processor))) === 'charged';
    }
    if (held.amountCents !== sent.amountCents) {
      onDifference('processor holds another amount', { sent, held, processor });
    }
    ring.correct(slot, held.amountCents, held.requestedAtMs);
    return true;
  }
}
