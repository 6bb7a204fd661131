// A circular queue of tokens (slots of the ring) whose head stays until it is dropped.

export class TokenQueue {
  readonly #tokens: Int32Array;
  #head = 0;
  length = 0;
  /** Since the start. */
  dropped = 0;

  constructor(capacity: number) {
    this.#tokens = new Int32Array(capacity);
  }

  push(token: number): void {
    if (this.length === this.#tokens.length) throw new Error('more rows than slots');
    this.#tokens[(this.#head + this.length) % this.#tokens.length] = token;
    this.length++;
  }

  first(most: number): number[] {
    const tokens: number[] = [];
    for (let i = 0; i < Math.min(most, this.length); i++) {
      tokens.push(this.#tokens[(this.#head + i) % this.#tokens.length] as number);
    }
    return tokens;
  }

  drop(count: number): void {
    this.#head = (this.#head + count) % this.#tokens.length;
    this.length -= count;
    this.dropped += count;
  }
}
