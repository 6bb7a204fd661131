// A share of the CPU that this process may use, as a budget of CPU time: it earns the share as time
// passes, and pays for whatever the process does. So nothing is left of it while the process uses
// more than the share. Savings and debts are bounded: what was long ago doesn't matter.

/** A debt of what so long a time earns is paid back, the rest is forgotten. */
const DEBT_MS = 100;

export class CpuBudget {
  readonly #share: number;
  readonly #burstMs: number;
  #leftMs = 0;

  /** `burstMs`: what so long a time earns can be saved up. */
  constructor(share: number, burstMs: number) {
    this.#share = share;
    this.#burstMs = burstMs;
  }

  /** In `passedMs` the process used `usedMs` of CPU time, and might have used `cores`. */
  pass(passedMs: number, usedMs: number, cores: number): void {
    const perMs = cores * this.#share;
    const leftMs = this.#leftMs + passedMs * perMs - usedMs;
    this.#leftMs = Math.min(this.#burstMs * perMs, Math.max(-DEBT_MS * perMs, leftMs));
  }

  get isLeft(): boolean {
    return this.#leftMs >= 0;
  }
}
