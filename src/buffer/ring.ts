// The ring: every payment between its 202 and its row in the ledger, in slots that are allocated once.
//
// A slot is free, or it holds one payment. Two circular queues of slot numbers run over the slots, one of
// the free slots and one of those waiting for a first or a next attempt; both have room for every slot, so
// neither can overflow. An open-addressing index finds the slot of an id. Nothing here touches a disk.
//
//   free ──claim──▶ held ──enqueue──▶ waiting ──dequeue──▶ held ──release──▶ free

import { hashId, idToText, type IdWords, type ProcessorIndex } from '../payment.ts';
import { SlotQueue } from './slot-queue.ts';

/** No attempt of this payment can be at a processor. */
export const UNPINNED = -1;
export type Pin = ProcessorIndex | typeof UNPINNED;

const EMPTY = -1;

/** Of a payment's charge, until it is recorded. */
export const NOT_CHARGED = 0;
export const CHARGED = 1;
export const LONG_CHARGED = 2;
export const KEPT = 3;

const FREE = 0;
const HELD = 1;
const WAITING = 2;

export class Ring {
  readonly slots: number;
  /** Four words per slot. */
  readonly ids: Uint32Array;
  readonly amountCents: Float64Array;
  readonly acceptedAtMs: Float64Array;
  /** Of the latest attempt; 0 before the first. */
  readonly requestedAtMs: Float64Array;
  /** Attempts that were declined. */
  readonly declines: Uint32Array;
  /** Attempts that failed while other payments got through. */
  readonly failures: Uint32Array;
  /** A bit for each processor where an attempt failed. */
  readonly failedAt: Uint8Array;
  /**
   * Where the pin's processor holds the payment with these values: CHARGED, LONG_CHARGED or, in the
   * journal too, KEPT.
   */
  readonly chargeState: Uint8Array;
  /** 1 where either processor may hold the payment, though no pin says so. */
  readonly isDoubtful: Uint8Array;
  readonly #pins: Int8Array;
  readonly #free: SlotQueue;
  readonly #waiting: SlotQueue;
  readonly #index: Int32Array;
  readonly #mask: number;
  /** FREE, HELD or WAITING. */
  readonly #states: Uint8Array;
  readonly #seed: number;

  /** `seed` keeps clients from choosing ids that collide in the index. */
  constructor(slots: number, seed: number) {
    this.slots = slots;
    this.#seed = seed;
    this.ids = new Uint32Array(slots * 4);
    this.amountCents = new Float64Array(slots);
    this.acceptedAtMs = new Float64Array(slots);
    this.requestedAtMs = new Float64Array(slots);
    this.declines = new Uint32Array(slots);
    this.failures = new Uint32Array(slots);
    this.failedAt = new Uint8Array(slots);
    this.chargeState = new Uint8Array(slots);
    this.isDoubtful = new Uint8Array(slots);
    this.#pins = new Int8Array(slots).fill(UNPINNED);
    this.#states = new Uint8Array(slots);
    this.#free = new SlotQueue(slots);
    this.#waiting = new SlotQueue(slots);
    // At most half full, so that a probe ends after a step or two.
    const places = 2 ** Math.ceil(Math.log2(slots * 2));
    this.#index = new Int32Array(places).fill(EMPTY);
    this.#mask = places - 1;
    this.endRestore();
  }

  /** Slots without a payment. */
  get free(): number {
    return this.#free.length;
  }

  /** Payments waiting for an attempt. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The slot of a live payment with this id, or -1. */
  find(id: IdWords): number {
    let place = hashId(id, 0, this.#seed) & this.#mask;
    for (;;) {
      const slot = this.#index[place] as number;
      if (slot === EMPTY) return -1;
      if (this.#holds(slot, id)) return slot;
      place = (place + 1) & this.#mask;
    }
  }

  /** Takes a free slot for a payment whose id is not live; -1 when the ring is full. */
  claim(id: IdWords, amountCents: number, acceptedAtMs: number): number {
    const slot = this.#free.shift();
    if (slot < 0) return -1;
    this.#occupy(slot, id, amountCents, acceptedAtMs);
    return slot;
  }

  /** Puts a payment found in the journal back into its own slot. Before the first claim; then `endRestore`. */
  restore(slot: number, id: IdWords, amountCents: number, acceptedAtMs: number): void {
    this.#occupy(slot, id, amountCents, acceptedAtMs);
  }

  /** Makes free every slot into which nothing was restored. */
  endRestore(): void {
    this.#free.clear();
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.#states[slot] === FREE) this.#free.push(slot);
    }
  }

  /** Frees the slot of a payment that is recorded, handed over or purged, or couldn't be journalled. */
  release(slot: number): void {
    assertState(this.#states[slot] === HELD, slot);
    this.#unindex(slot);
    this.#states[slot] = FREE;
    this.#pins[slot] = UNPINNED;
    this.chargeState[slot] = NOT_CHARGED;
    this.#free.push(slot);
  }

  isLive(slot: number): boolean {
    return this.#states[slot] !== FREE;
  }

  /** Waits for an attempt. */
  isWaiting(slot: number): boolean {
    return this.#states[slot] === WAITING;
  }

  enqueue(slot: number): void {
    assertState(this.#states[slot] === HELD, slot);
    this.#states[slot] = WAITING;
    this.#waiting.push(slot);
  }

  /** Puts a declined payment back where it was: before those that came after it. */
  enqueueFirst(slot: number): void {
    assertState(this.#states[slot] === HELD, slot);
    this.#states[slot] = WAITING;
    this.#waiting.unshift(slot);
  }

  /** The payment that has waited longest, or -1. */
  dequeue(): number {
    const slot = this.#waiting.shift();
    if (slot >= 0) this.#states[slot] = HELD;
    return slot;
  }

  /** The slot of the waiting payment at `place`, from 0 (the first) to below `waiting`. */
  waitingAt(place: number): number {
    return this.#waiting.at(place);
  }

  /** Brings the waiting payment at `place` to the front, in exchange for the first one. */
  bringForward(place: number): void {
    this.#waiting.swapFirst(place);
  }

  /** The slot that `dequeue` would give, or -1. */
  peek(): number {
    return this.#waiting.first();
  }

  pinOf(slot: number): Pin {
    return this.#pins[slot] as Pin;
  }

  /** From here on an attempt may be at `processor`, until it is known to be declined. */
  pin(slot: number, processor: ProcessorIndex, requestedAtMs: number): void {
    this.#pins[slot] = processor;
    this.requestedAtMs[slot] = requestedAtMs;
  }

  /** Takes over what the processor holds, which is what the ledger has to say. */
  correct(slot: number, amountCents: number, requestedAtMs: number): void {
    this.amountCents[slot] = amountCents;
    this.requestedAtMs[slot] = requestedAtMs;
  }

  unpin(slot: number): void {
    this.#pins[slot] = UNPINNED;
  }

  idText(slot: number): string {
    return idToText(this.ids, slot * 4);
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
    this.isDoubtful[slot] = 0;
    this.#states[slot] = HELD;
    let place = hashId(id, 0, this.#seed) & this.#mask;
    while (this.#index[place] !== EMPTY) place = (place + 1) & this.#mask;
    this.#index[place] = slot;
  }

  #holds(slot: number, id: IdWords): boolean {
    const at = slot * 4;
    return (
      this.ids[at] === id[0] &&
      this.ids[at + 1] === id[1] &&
      this.ids[at + 2] === id[2] &&
      this.ids[at + 3] === id[3]
    );
  }

  /** Removes by shifting later entries of the same run back: no tombstones, so probes stay short. */
  #unindex(slot: number): void {
    let hole = hashId(this.ids, slot * 4, this.#seed) & this.#mask;
    while (this.#index[hole] !== slot) hole = (hole + 1) & this.#mask;
    let place = hole;
    for (;;) {
      place = (place + 1) & this.#mask;
      const moving = this.#index[place] as number;
      if (moving === EMPTY) break;
      const home = hashId(this.ids, moving * 4, this.#seed) & this.#mask;
      // `moving` may fill the hole only if its home is not between the hole and its place.
      if (((place - home) & this.#mask) >= ((place - hole) & this.#mask)) {
        this.#index[hole] = moving;
        hole = place;
      }
    }
    this.#index[hole] = EMPTY;
  }
}

function assertState(holds: boolean, slot: number): void {
  if (!holds) throw new Error(`slot ${slot} is used against its state`);
}
