// Whether a processor refuses payments with a 4xx, 429 too, and charges none meanwhile. A single
// payment that is refused for its content says nothing of the processor.

/** Successive looks, a second each: with a 429 now and then a processor slows its clients down. */
const LOOKS_MIN = 2;

export class Refusing {
  isRefusing = false;
  #refused = 0;
  #charged = 0;
  #looks = 0;

  /** Call it about once a second, with the attempts since the start. */
  update(refused: number, charged: number): void {
    const onlyRefuses = refused > this.#refused && charged === this.#charged;
    this.#looks = onlyRefuses ? this.#looks + 1 : 0;
    this.isRefusing = this.#looks >= LOOKS_MIN;
    this.#refused = refused;
    this.#charged = charged;
  }
}
