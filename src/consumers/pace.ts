// The pace of sending: at most so many attempts a second, spread evenly, so that draining a backlog never comes in bursts
// that starve intake. A calm stream of payments never notices it.
//
// The rate adapts to the CPU that is left. A turn that comes late was kept from running. When this
// process had its hands full in the time that it could run, no CPU is left (a quota is used up: the
// kernel then stops the process for what is left of 100 ms). Intake needs the rest, so the rate is
// halved, down to a quarter; it grows back evenly. A process that is held up while it has little to
// do gains nothing by sending less, so its rate stays.

import type { Clock } from '../clock.ts';

/** What may be caught up on after a pause of the event loop. */
const BURST_MS = 10;
/** Later than timers and other processes make a turn on a machine that has CPU to spare. */
const LATE_MS = 15;
/** At most one halving in a period of the kernel's quota. */
const HALVE_EVERY_MS = 100;
/**
 * Of the time in which the process could run: at this share of it spent on the CPU, none is left.
 */
const BUSY_SHARE = 0.7;
/** CPU time is measured over at least this. */
const MEASURE_MS = 100;
const LEAST_SHARE = 1 / 4;
/** From nothing to the whole rate. */
const RECOVERY_MS = 2_000;

export class Pace {
  readonly #clock: Clock;
  readonly #mostPerMs: number;
  readonly #burst: number;
  #perMs: number;
  #halvedAtMs = Number.NEGATIVE_INFINITY;
  #allowance: number;
  #countedAtMs: number;
  /** Since then CPU time is measured. */
  #measuredAtMs: number;
  #measuredCpuMs: number;

  /** `gatherMs`: how long attempts are gathered for, beside that. */
  constructor(clock: Clock, perSecond: number, gatherMs = 0) {
    this.#clock = clock;
    this.#mostPerMs = perSecond / 1_000;
    this.#perMs = this.#mostPerMs;
    this.#burst = Math.max(1, this.#perMs * (BURST_MS + gatherMs));
    this.#allowance = this.#burst;
    this.#countedAtMs = clock.elapsed();
    this.#measuredAtMs = clock.elapsed();
    this.#measuredCpuMs = clock.cpuMs();
  }

  /** Takes the allowance for one attempt; false when there is none now. */
  take(): boolean {
    const now = this.#clock.elapsed();
    const passedMs = now - this.#countedAtMs;
    this.#allowance = Math.min(this.#burst, this.#allowance + passedMs * this.#perMs);
    this.#perMs += (this.#mostPerMs * passedMs) / RECOVERY_MS;
    this.#perMs = Math.min(this.#mostPerMs, this.#perMs);
    this.#countedAtMs = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }

  /** A turn of ours came `lateMs` after its time. */
  late(lateMs: number): void {
    const now = this.#clock.elapsed();
    const passedMs = now - this.#measuredAtMs;
    if (lateMs < LATE_MS && passedMs < MEASURE_MS) return;
    const cpuMs = this.#clock.cpuMs();
    const isBusy = cpuMs - this.#measuredCpuMs >= BUSY_SHARE * (passedMs - lateMs);
    if (passedMs >= MEASURE_MS) {
      this.#measuredAtMs = now;
      this.#measuredCpuMs = cpuMs;
    }
    if (lateMs < LATE_MS || !isBusy || now - this.#halvedAtMs < HALVE_EVERY_MS) return;
    this.#halvedAtMs = now;
    this.#perMs = Math.max(this.#mostPerMs * LEAST_SHARE, this.#perMs / 2);
  }

  /** Milliseconds until there is allowance for one attempt. */
  get waitMs(): number {
    return Math.max(0, (1 - this.#allowance) / this.#perMs);
  }
}
