// Random numbers for tests. A failing run names its seed, and SEED=… repeats it.

export const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** To end the message of an assertion with. */
export const AGAIN = `(again with SEED=${SEED})`;

export class Random {
  #state: number;

  constructor(seed = SEED) {
    this.#state = seed | 0;
  }

  /** 32 random bits (mulberry32). */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  chance(probability: number): boolean {
    return this.word() / 2 ** 32 < probability;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.word() }))
      .toSorted((left, right) => left.key - right.key)
      .map(({ item }) => item);
  }

  id(): Uint32Array {
    return Uint32Array.of(this.word(), this.word(), this.word(), this.word());
  }
}
