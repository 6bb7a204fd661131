// The ring: every payment between its 202 and its row in the ledger, in slots that are allocated at
// the start. A slot is free or holds one payment. Two circular queues contain slot numbers: the
// free slots, and the slots whose payment waits for an attempt. Each has room for every slot, so it
// can't overflow. The ring is memory only; journal.ts writes to the disk.
//
//   free ──hold──▶ held ──enqueue──▶ waiting ──dequeue──▶ held ──release──▶ free

import { idToText, ownerOf, type Charge, type IdWords, type ProcessorIndex } from '../payment.ts';
import { SlotIndex } from './slot-index.ts';
import { SlotQueue } from './slot-queue.ts';
import { NO_DOUBT, NOT_CHARGED, UNPINNED, type Pin } from './slot-state.ts';

const FREE = 0;
const HELD = 1;
const WAITING = 2;

export class Ring {
  readonly slots: number;
  /** The correlation id, four words per slot. */
  readonly ids: Uint32Array;
  readonly amountCents: Float64Array;
  readonly acceptedAtMs: Float64Array;
  /** The latest attempt's, in milliseconds since the epoch; 0 before the first attempt. */
  readonly requestedAtMs: Float64Array;
  /** Attempts that were declined. */
  readonly declines: Uint32Array;
  /** Attempts that failed at a processor that was not known to fail. */
  readonly failures: Uint32Array;
  /** Bit p is set after an attempt failed at processor p. */
  readonly failedAt: Uint8Array;
  /**
   * What is known of the charge (slot-state.ts). If charged, the pin's processor holds the payment.
   */
  readonly chargeState: Uint8Array;
  /** NO_DOUBT, IN_DOUBT or PIN_IN_DOUBT (slot-state.ts). */
  readonly doubt: Uint8Array;
  /** The slot that was taken last; slots are taken in turn. */
  latestSlot = 0;
  readonly #pins: Int8Array;
  readonly #free: SlotQueue;
  readonly #waiting: SlotQueue;
  readonly #index: SlotIndex;
  /** FREE, HELD or WAITING. */
  readonly #states: Uint8Array;

  /** `seed` is random, so that clients can't choose ids that collide in the index. */
  constructor(slots: number, seed: number) {
    this.slots = slots;
    this.ids = new Uint32Array(slots * 4);
    this.amountCents = new Float64Array(slots);
    this.acceptedAtMs = new Float64Array(slots);
    this.requestedAtMs = new Float64Array(slots);
    this.declines = new Uint32Array(slots);
    this.failures = new Uint32Array(slots);
    this.failedAt = new Uint8Array(slots);
    this.chargeState = new Uint8Array(slots);
    this.doubt = new Uint8Array(slots);
    this.#pins = new Int8Array(slots).fill(UNPINNED);
    this.#states = new Uint8Array(slots);
    this.#free = new SlotQueue(slots);
    this.#waiting = new SlotQueue(slots);
    this.#index = new SlotIndex(this.ids, seed);
    this.endRestore();
  }

  /** Slots without a payment. */
  get free(): number {
    return this.#free.length;
  }

  /** Slots with a payment. */
  get used(): number {
    return this.slots - this.#free.length;
  }

  /** Payments waiting for an attempt. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The slot of the live payment with this id, or -1. */
  find(id: IdWords): number {
    return this.#index.find(id);
  }

  /** Takes a free slot for a payment whose id is not live. Returns -1 if the ring is full. */
  hold(id: IdWords, amountCents: number, acceptedAtMs: number): number {
    const slot = this.#free.shift();
    if (slot < 0) return -1;
    this.latestSlot = slot;
    this.#occupy(slot, id, amountCents, acceptedAtMs);
    return slot;
  }

  /** Puts a payment from the journal into its slot. Before the first `hold`; then `endRestore`. */
  restore(slot: number, id: IdWords, amountCents: number, acceptedAtMs: number): void {
    this.#occupy(slot, id, amountCents, acceptedAtMs);
  }

  /** Frees every slot into which no payment was restored. */
  endRestore(): void {
    this.#free.clear();
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.#states[slot] === FREE) this.#free.push(slot);
    }
  }

  /** Frees the slot of a payment that is settled, handed over, purged, or not journalled. */
  release(slot: number): void {
    assertState(this.#states[slot] === HELD, slot);
    this.#index.remove(slot);
    this.#states[slot] = FREE;
    this.#pins[slot] = UNPINNED;
    this.chargeState[slot] = NOT_CHARGED;
    this.#free.push(slot);
  }

  isLive(slot: number): boolean {
    return this.#states[slot] !== FREE;
  }

  /** Whether the payment in `slot` waits for an attempt. */
  isWaiting(slot: number): boolean {
    return this.#states[slot] === WAITING;
  }

  /** Puts a payment at the end of the queue for an attempt. */
  enqueue(slot: number): void {
    assertState(this.#states[slot] === HELD, slot);
    this.#states[slot] = WAITING;
    this.#waiting.push(slot);
  }

  /** Puts a declined payment back at the front of the queue. */
  enqueueFirst(slot: number): void {
    assertState(this.#states[slot] === HELD, slot);
    this.#states[slot] = WAITING;
    this.#waiting.unshift(slot);
  }

  /** Removes and returns the first slot in the queue; -1 if none waits. */
  dequeue(): number {
    const slot = this.#waiting.shift();
    if (slot >= 0) this.#states[slot] = HELD;
    return slot;
  }

  /** Removes a waiting payment from the queue, wherever it is there. Looks through the queue. */
  takeOut(slot: number): void {
    assertState(this.#states[slot] === WAITING && this.#waiting.remove(slot), slot);
    this.#states[slot] = HELD;
  }

  /** The slot of the waiting payment at `place`, from 0 (the first) to below `waiting`. */
  waitingAt(place: number): number {
    return this.#waiting.at(place);
  }

  /** Exchanges the waiting payment at `place` with the first one. */
  swapToFront(place: number): void {
    this.#waiting.swapToFront(place);
  }

  /** The slot that `dequeue` would return, or -1. */
  peek(): number {
    return this.#waiting.first();
  }

  pinOf(slot: number): Pin {
    return this.#pins[slot] as Pin;
  }

  /** Pins the payment: from now on an attempt may be at `processor`. */
  pin(slot: number, processor: ProcessorIndex, requestedAtMs: number): void {
    this.#pins[slot] = processor;
    this.requestedAtMs[slot] = requestedAtMs;
  }

  /** Sets the values that the processor holds, which the ledger must record. */
  correct(slot: number, amountCents: number, requestedAtMs: number): void {
    this.amountCents[slot] = amountCents;
    this.requestedAtMs[slot] = requestedAtMs;
  }

  /** Only when no attempt can be at a processor. */
  unpin(slot: number): void {
    this.#pins[slot] = UNPINNED;
  }

  idText(slot: number): string {
    return idToText(this.ids, slot * 4);
  }

  /** The payment in `slot` with the values that its processor gets, or holds. */
  chargeOf(slot: number): Charge {
    return {
      correlationId: this.idText(slot),
      amountCents: this.amountCents[slot] as number,
      requestedAtMs: this.requestedAtMs[slot] as number,
    };
  }

  /** The number of the instance that owns the payment in `slot`. */
  ownerOf(slot: number, instances: number): number {
    return ownerOf(this.ids, instances, slot * 4);
  }

  #occupy(slot: number, id: IdWords, amountCents: number, acceptedAtMs: number): void {
    assertState(this.#states[slot] === FREE, slot);
    this.ids.set(id, slot * 4);
    this.amountCents[slot] = amountCents;
    this.acceptedAtMs[slot] = acceptedAtMs;
    this.requestedAtMs[slot] = 0;
    this.declines[slot] = 0;
    this.failures[slot] = 0;
    this.failedAt[slot] = 0;
    this.doubt[slot] = NO_DOUBT;
    this.#states[slot] = HELD;
    this.#index.add(slot);
  }
}

function assertState(holds: boolean, slot: number): void {
  if (!holds) throw new Error(`slot ${slot} is used against its state`);
}
