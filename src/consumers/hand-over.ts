// Handing over: payments that belong to another instance and were taken while it was away go to it as soon as it is back.
// Only an id's owner ever sends it to a processor, so that no two instances can.

import type { Offered } from '../buffer/admission.ts';
import type { Ring } from '../buffer/ring.ts';
import { doublingMs, sleep, type Clock } from '../clock.ts';
import { ownerOf } from '../payment.ts';

interface SlotQueue {
  push(slot: number): void;
  shift(): number;
  readonly length: number;
}

export interface HandOverParts {
  readonly clock: Clock;
  readonly ring: Ring;
  /** One for each instance, with room for every slot. */
  readonly queues: readonly SlotQueue[];
  readonly offer: (owner: number, correlationId: string, amountCents: number) => Promise<Offered>;
  /** The owner has it: the slot can be freed. */
  readonly onTaken: (slot: number) => void;
  /** The owner knows the id with another amount. */
  readonly onConflict: (slot: number) => void;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 500;

/** To all other instances: one that is away holds up nothing that is for another. */
export class HandOvers {
  readonly #parts: HandOverParts;
  readonly #busy: Uint8Array;
  #stopped = false;

  constructor(parts: HandOverParts) {
    this.#parts = parts;
    this.#busy = new Uint8Array(parts.queues.length);
  }

  get pending(): number {
    return this.#parts.queues.reduce((sum, { length }, owner) => {
      return sum + length + (this.#busy[owner] as number);
    }, 0);
  }

  /**
   * Whether one more may be held. Half of the slots are for our own payments, which need nobody
   * else to go on: two instances full of each other's payments would wait for each other for ever.
   * `others`: payments that may be foreign, too.
   */
  hasRoomBeside(others: number): boolean {
    return this.pending + others < Math.floor(this.#parts.ring.slots / 2);
  }

  add(slot: number): void {
    const { ring, queues } = this.#parts;
    const owner = ownerOf(ring.ids, queues.length, slot * 4);
    queues[owner]?.push(slot);
    this.#startOne(owner);
  }

  /** What is left stays in the journal. */
  stop(): void {
    this.#stopped = true;
  }

  #startOne(owner: number): void {
    if (this.#stopped || this.#busy[owner] === 1) return;
    const slot = this.#parts.queues[owner]?.shift() ?? -1;
    if (slot < 0) return;
    this.#busy[owner] = 1;
    void this.#deliver(slot, owner);
  }

  async #deliver(slot: number, owner: number): Promise<void> {
    const { clock, ring, offer, onTaken, onConflict } = this.#parts;
    for (let tries = 0; !this.#stopped; tries++) {
      const offered = await offer(owner, ring.idText(slot), ring.amountCents[slot] as number);
      if (offered === 'conflict') onConflict(slot);
      if (offered === 'accepted' || offered === 'conflict') {
        onTaken(slot);
        break;
      }
      await sleep(clock, doublingMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS));
    }
    this.#busy[owner] = 0;
    this.#startOne(owner);
  }
}
