// A circular queue of slot numbers, allocated once. Overflow is a fault of the program: it throws.

export class SlotQueue {
  readonly #slots: Int32Array;
  #head = 0;
  length = 0;

  constructor(capacity: number) {
    this.#slots = new Int32Array(capacity);
  }

  push(slot: number): void {
    if (this.length === this.#slots.length) throw new Error('slot queue overflow');
    this.#slots[(this.#head + this.length) % this.#slots.length] = slot;
    this.length++;
  }

  unshift(slot: number): void {
    if (this.length === this.#slots.length) throw new Error('slot queue overflow');
    this.#head = (this.#head + this.#slots.length - 1) % this.#slots.length;
    this.#slots[this.#head] = slot;
    this.length++;
  }

  /** The first slot, or -1. */
  first(): number {
    return this.length === 0 ? -1 : (this.#slots[this.#head] as number);
  }

  /** The slot at `place`, from 0 to below `length`. */
  at(place: number): number {
    return this.#slots[(this.#head + place) % this.#slots.length] as number;
  }

  /** Exchanges the first slot with the slot at `place`. @throws if `place` is not below `length` */
  swapToFront(place: number): void {
    if (place < 0 || place >= this.length) throw new Error(`the queue has no place ${place}`);
    const other = (this.#head + place) % this.#slots.length;
    const first = this.#slots[this.#head] as number;
    this.#slots[this.#head] = this.#slots[other] as number;
    this.#slots[other] = first;
  }

  /** Removes and returns the first slot; -1 if the queue is empty. */
  shift(): number {
    if (this.length === 0) return -1;
    const slot = this.#slots[this.#head] as number;
    this.#head = (this.#head + 1) % this.#slots.length;
    this.length--;
    return slot;
  }

  /** Removes a slot from wherever it is in the queue; false if it isn't there. */
  remove(slot: number): boolean {
    let place = 0;
    while (place < this.length && this.at(place) !== slot) place++;
    if (place === this.length) return false;
    for (; place < this.length - 1; place++) {
      this.#slots[(this.#head + place) % this.#slots.length] = this.at(place + 1);
    }
    this.length--;
    return true;
  }

  clear(): void {
    this.#head = 0;
    this.length = 0;
  }
}
