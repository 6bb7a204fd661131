// A share of the CPU that this process may use, as a budget of CPU time: it earns the share as time
// passes, and pays for whatever the process does. Nothing is left of it while the process uses more
// than the share. Savings and debts are bounded, so what was long ago doesn't matter.

export class CpuBudget {
  readonly #share: number;
  readonly #burstMs: number;
  #leftMs = 0;

  /** `burstMs`: what so long a time earns can be saved up, or owed. */
  constructor(share: number, burstMs: number) {
    this.#share = share;
    this.#burstMs = burstMs;
  }

  /** In `passedMs` the process used `usedMs` of CPU time, and might have used `cores`. */
  pass(passedMs: number, usedMs: number, cores: number): void {
    const perMs = cores * this.#share;
    const mostMs = this.#burstMs * perMs;
    const leftMs = this.#leftMs + passedMs * perMs - usedMs;
    this.#leftMs = Math.min(mostMs, Math.max(-mostMs, leftMs));
  }

  get isLeft(): boolean {
    return this.#leftMs >= 0;
  }
}
