// A circular queue of slots. Its first slots stay in it until they are dropped.

export class RowQueue {
  readonly #slots: Int32Array;
  #head = 0;
  length = 0;
  /** Slots dropped since the start. */
  dropped = 0;

  constructor(capacity: number) {
    this.#slots = new Int32Array(capacity);
  }

  push(slot: number): void {
    if (this.length === this.#slots.length) throw new Error('more rows than slots');
    this.#slots[(this.#head + this.length) % this.#slots.length] = slot;
    this.length++;
  }

  first(most: number): number[] {
    const slots: number[] = [];
    for (let i = 0; i < Math.min(most, this.length); i++) {
      slots.push(this.#slots[(this.#head + i) % this.#slots.length] as number);
    }
    return slots;
  }

  drop(count: number): void {
    this.#head = (this.#head + count) % this.#slots.length;
    this.length -= count;
    this.dropped += count;
  }
}
