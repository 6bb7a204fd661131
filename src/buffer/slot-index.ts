// Finds the slot of an id: an open-addressing hash index with linear probing over the live slots'
// ids.

import { hashId, type IdWords } from '../payment.ts';

const EMPTY = -1;

export class SlotIndex {
  /** The ring's ids, four words per slot. */
  readonly #ids: Uint32Array;
  readonly #places: Int32Array;
  readonly #mask: number;
  readonly #seed: number;

  /** `seed` is random, so that clients can't choose ids that collide. */
  constructor(ids: Uint32Array, seed: number) {
    this.#ids = ids;
    this.#seed = seed;
    // At most half full, so that a search ends after a step or two.
    const places = 2 ** Math.ceil(Math.log2(ids.length / 2));
    this.#places = new Int32Array(places).fill(EMPTY);
    this.#mask = places - 1;
  }

  /** The slot that has this id, or -1. */
  find(id: IdWords): number {
    let place = hashId(id, 0, this.#seed) & this.#mask;
    for (;;) {
      const slot = this.#places[place] as number;
      if (slot === EMPTY) return -1;
      if (this.#has(slot, id)) return slot;
      place = (place + 1) & this.#mask;
    }
  }

  /** The id in `slot` must be in no other slot. */
  add(slot: number): void {
    let place = this.#homeOf(slot);
    while (this.#places[place] !== EMPTY) place = (place + 1) & this.#mask;
    this.#places[place] = slot;
  }

  /**
   * Shifts later entries of the same run back instead of leaving a tombstone, to keep runs short.
   */
  remove(slot: number): void {
    let hole = this.#homeOf(slot);
    while (this.#places[hole] !== slot) hole = (hole + 1) & this.#mask;
    let place = hole;
    for (;;) {
      place = (place + 1) & this.#mask;
      const moving = this.#places[place] as number;
      if (moving === EMPTY) break;
      const home = this.#homeOf(moving);
      // `moving` may fill the hole only if its home is not between the hole and its place.
      if (((place - home) & this.#mask) >= ((place - hole) & this.#mask)) {
        this.#places[hole] = moving;
        hole = place;
      }
    }
    this.#places[hole] = EMPTY;
  }

  #homeOf(slot: number): number {
    return hashId(this.#ids, slot * 4, this.#seed) & this.#mask;
  }

  #has(slot: number, id: IdWords): boolean {
    const at = slot * 4;
    return (
      this.#ids[at] === id[0] &&
      this.#ids[at + 1] === id[1] &&
      this.#ids[at + 2] === id[2] &&
      this.#ids[at + 3] === id[3]
    );
  }
}
