// The verifier: payments that may be settled already are looked up in the ledger, in batches,
// before they go on. These are the payments that a restart finds in the journal, and those that
// were accepted while the ledger couldn't be asked.

import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Ring } from '../buffer/ring.ts';
import { SlotQueue } from '../buffer/slot-queue.ts';
import {
  CHARGE_JOURNALLED,
  GIVEN_UP,
  GIVEN_UP_OPEN,
  NO_DOUBT,
  UNPINNED,
} from '../buffer/slot-state.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Dispatcher } from '../consumers/dispatcher.ts';
import type { Reconcilers } from '../consumers/reconcilers.ts';
import { entriesById, isGivenUp, type LedgerEntry } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';
import type { BatchWriter } from '../settlement/batch-writer.ts';
import type { Contradictions } from '../settlement/contradictions.ts';
import type { GivingUp } from '../settlement/giving-up.ts';
import type { HandOvers } from './hand-over.ts';
import type { InDoubt } from './in-doubt.ts';

export interface VerifierParts {
  readonly clock: Clock;
  readonly instance: number;
  readonly instances: number;
  readonly ring: Ring;
  readonly held: HeldPayments;
  readonly ledger: LedgerPort;
  readonly contradictions: Contradictions;
  readonly writer: BatchWriter;
  readonly givingUp: GivingUp;
  readonly reconcilers: Reconcilers;
  readonly handOvers: HandOvers;
  readonly inDoubt: InDoubt;
  readonly dispatcher: Dispatcher;
}

const BATCH = 500;
const RETRY_MS = 200;

export class Verifier {
  readonly #parts: VerifierParts;
  readonly #queue: SlotQueue;
  #batch: number[] = [];
  #running = false;
  #stopped = false;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#queue = new SlotQueue(parts.ring.slots);
  }

  get pending(): number {
    return this.#queue.length + this.#batch.length;
  }

  add(slot: number): void {
    this.#queue.push(slot);
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#parts.clock.soon(() => void this.#run());
  }

  /**
   * Gives up a payment that is in no queue, or goes on with that after a start. If the ledger has
   * the payment's row, the next look finds it.
   */
  async giveUp(slot: number, mayBeCharged: boolean): Promise<'given up' | 'settled'> {
    const end = await this.#parts.givingUp.add(slot, mayBeCharged);
    if (end === 'settled') this.add(slot);
    return end;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    const { ring, contradictions, givingUp } = this.#parts;
    const queue = this.#queue;
    while (queue.length > 0 && !this.#stopped) {
      while (queue.length > 0 && this.#batch.length < BATCH) this.#batch.push(queue.shift());
      const settled = await this.#lookUp();
      if (settled === undefined) break;
      for (const slot of this.#batch) {
        const entry = settled.get(ring.idText(slot));
        if (entry === undefined) this.#goOn(slot);
        else if (isGivenUp(entry)) givingUp.end(slot, entry);
        else contradictions.settled(slot, entry);
      }
      this.#batch = [];
    }
    this.#running = false;
  }

  /** Asks until the ledger answers; undefined when the instance stops before it does. */
  async #lookUp(): Promise<ReadonlyMap<string, LedgerEntry> | undefined> {
    const { clock, ring, held, ledger } = this.#parts;
    while (!this.#stopped) {
      try {
        // What a restart found must be safe before anything is done about it.
        await held.synced();
        return entriesById(await ledger.find(this.#batch.map((slot) => ring.idText(slot))));
      } catch {
        await sleep(clock, RETRY_MS);
      }
    }
    return undefined;
  }

  /** The ledger doesn't have the payment: it goes on from where the journal says that it was. */
  #goOn(slot: number): void {
    const { ring, instance, instances } = this.#parts;
    const { writer, reconcilers, handOvers, inDoubt, dispatcher } = this.#parts;
    const chargeState = ring.chargeState[slot] as number;
    if (chargeState >= GIVEN_UP) return void this.giveUp(slot, chargeState === GIVEN_UP_OPEN);
    const isPinned = ring.pinOf(slot) !== UNPINNED;
    if (isPinned && chargeState === CHARGE_JOURNALLED) writer.add(slot);
    else if (isPinned) reconcilers.add(slot, 'restart');
    else if (ring.ownerOf(slot, instances) !== instance) handOvers.add(slot);
    else if (ring.doubt[slot] !== NO_DOUBT) inDoubt.add(slot);
    else dispatcher.enqueue(slot);
  }
}
