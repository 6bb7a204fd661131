// The rate limiter: at most RATE_LIMIT_PER_S attempts a second start, spread evenly. So a backlog
// is never drained in bursts that starve intake. A calm stream of payments never reaches the limit.
//
// The rate adapts to the CPU that is left. If a turn of the event loop is late and the process was
// on the CPU for most of the time in which it could run, no CPU is left: the CPU quota is used up,
// and the kernel stops the process for the rest of 100 ms. Intake needs what remains, so the rate
// is halved, down to a quarter, and grows back evenly. A process that was late with little to do
// gains nothing by sending less, so its rate stays.

import type { Clock } from '../clock.ts';

/** So much allowance is saved up while the event loop pauses. */
const BURST_MS = 10;
/** On a machine with CPU to spare, timers and other processes delay a turn by less. */
const LATE_MS = 15;
/** The rate is halved at most once in a period of the kernel's quota. */
const HALVE_EVERY_MS = 100;
/** No CPU is left once the process used this share of the time in which it could run. */
const BUSY_SHARE = 0.7;
/** CPU time is measured over at least this long. */
const MEASURE_MS = 100;
const LEAST_SHARE = 1 / 4;
/** The rate grows from zero to its maximum in this time. */
const RECOVERY_MS = 2_000;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #mostPerMs: number;
  readonly #burst: number;
  #perMs: number;
  #halvedAtMs = Number.NEGATIVE_INFINITY;
  #allowance: number;
  #countedAtMs: number;
  /** CPU time is measured from this moment. */
  #measuredAtMs: number;
  #measuredCpuMs: number;

  /** `gatherMs`: payments are gathered for so long before a look (SENDS_GATHER_MS). */
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

  /** A timer of the dispatcher came `lateMs` after its time. */
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

  /** Attempts per second that may start now, at most RATE_LIMIT_PER_S. */
  get perSecond(): number {
    return this.#perMs * 1_000;
  }

  /** Milliseconds until there is allowance for one attempt. */
  get waitMs(): number {
    return Math.max(0, (1 - this.#allowance) / this.#perMs);
  }
}
