// A circular queue of slot numbers with room for all of them.

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

  first(): number {
    return this.length === 0 ? -1 : (this.#slots[this.#head] as number);
  }

  /** The one at `place`, from 0 to below the length. */
  at(place: number): number {
    return this.#slots[(this.#head + place) % this.#slots.length] as number;
  }

  /** Exchanges the first one for the one at `place`, from 0 to below the length. */
  swapFirst(place: number): void {
    if (place < 0 || place >= this.length) throw new Error(`the queue has no place ${place}`);
    const other = (this.#head + place) % this.#slots.length;
    const first = this.#slots[this.#head] as number;
    this.#slots[this.#head] = this.#slots[other] as number;
    this.#slots[other] = first;
  }

  shift(): number {
    if (this.length === 0) return -1;
    const slot = this.#slots[this.#head] as number;
    this.#head = (this.#head + 1) % this.#slots.length;
    this.length--;
    return slot;
  }

  clear(): void {
    this.#head = 0;
    this.length = 0;
  }
}
