// How many attempts may start now. It follows what comes in and the CPU that is left, so that a
// backlog is drained as fast as possible without slowing intake, on any machine and under any
// quota.
//
//   CPU used, of what may be used    attempts that may start
//   less than DRAIN_SHARE            any
//   less than BUSY_SHARE             five for every four payments that come in
//   more                             one for every four payments that come in
//
// The use is measured while attempts start, and counts for those after them: so no estimate of what
// one costs is needed. However much is used, an attempt starts now and then. RATE_LIMIT_PER_S is a
// ceiling above all that.

import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Cpu } from '../cpu.ts';
import { CpuBudget } from './cpu-budget.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface SendingRateParts {
  readonly config: Pick<Config, 'RATE_LIMIT_PER_S' | 'SENDS_GATHER_MS'>;
  readonly clock: Clock;
  readonly cpu: Cpu;
}

/** With it alone the submission charges a backlog of 10,000 in 3 to 6 s (docs/MEASUREMENTS.md). */
const DRAIN_SHARE = 0.42;
const BUSY_SHARE = 0.9;
/** A drain goes in steps of little CPU, between which intake is served. */
const DRAIN_BURST_MS = 10;
/** A period of the kernel's quotas: so long a burst may have its CPU. */
const BUSY_BURST_MS = 100;
/** Attempts for each payment that comes in. */
const PER_PAYMENT = 1.25;
const PER_PAYMENT_BUSY = 0.25;
/**
 * So many attempts may be saved up, and what 8,000 payments/s earn while payments are gathered.
 * When more come in at once, they are a backlog.
 */
const EARNED_MAX = 50;
const EARNED_PER_GATHER_MS = 10;
/** An attempt may start after so long without any. */
const AT_LEAST_EVERY_MS = 20;
/** Reading the CPU time costs a microsecond or two. */
const MEASURE_EVERY_MS = 0.5;
const LOOK_AGAIN_MS = 5;
/** The share that is shown is a mean over about this long. */
const SHOWN_MS = 1_000;

export class SendingRate {
  readonly #clock: Clock;
  readonly #cpu: Cpu;
  readonly #limiter: RateLimiter;
  readonly #drain: CpuBudget;
  readonly #busy = new CpuBudget(BUSY_SHARE, BUSY_BURST_MS);
  #measuredAtMs: number;
  #usedMs: number;
  #shown = 0;
  readonly #earnedMax: number;
  /** Attempts that payments which came in allow. */
  #earned = 0;
  #tookAtMs = Number.NEGATIVE_INFINITY;

  constructor({ config, clock, cpu }: SendingRateParts) {
    this.#clock = clock;
    this.#cpu = cpu;
    this.#limiter = new RateLimiter(clock, config.RATE_LIMIT_PER_S, config.SENDS_GATHER_MS);
    this.#drain = new CpuBudget(DRAIN_SHARE, DRAIN_BURST_MS + config.SENDS_GATHER_MS);
    this.#earnedMax = Math.max(EARNED_MAX, EARNED_PER_GATHER_MS * config.SENDS_GATHER_MS);
    this.#measuredAtMs = clock.elapsed();
    this.#usedMs = cpu.usedMs();
  }

  /** A payment was queued: it came in, or was declined for one of the first times. */
  queued(): void {
    const attempts = this.#busy.isLeft ? PER_PAYMENT : PER_PAYMENT_BUSY;
    this.#earned = Math.min(this.#earnedMax, this.#earned + attempts);
  }

  /** Takes the allowance for one attempt; false when there is none now. */
  take(): boolean {
    const now = this.#measure();
    const isEarned = this.#earned >= 1;
    const isDue = now - this.#tookAtMs >= AT_LEAST_EVERY_MS;
    if (!isEarned && !isDue && !this.#drain.isLeft) return false;
    if (!this.#limiter.take()) return false;
    if (isEarned) this.#earned--;
    this.#tookAtMs = now;
    return true;
  }

  /** Whether CPU is left for what is not urgent. */
  get mayDrain(): boolean {
    this.#measure();
    return this.#drain.isLeft;
  }

  /** Milliseconds after which an attempt may be allowed, when one was not. */
  get waitMs(): number {
    return Math.max(LOOK_AGAIN_MS, this.#limiter.waitMs);
  }

  /** CPU that this process used in the last second or so, of what it may use: 1 is all of it. */
  get cpuShare(): number {
    this.#measure();
    return this.#shown;
  }

  #measure(): number {
    const now = this.#clock.elapsed();
    const passedMs = now - this.#measuredAtMs;
    if (passedMs < MEASURE_EVERY_MS) return now;
    const usedMs = this.#cpu.usedMs();
    const ownMs = usedMs - this.#usedMs;
    const cores = this.#cpu.cores();
    this.#drain.pass(passedMs, ownMs, cores);
    this.#busy.pass(passedMs, ownMs, cores);
    this.#shown += (ownMs / (passedMs * cores) - this.#shown) * -Math.expm1(-passedMs / SHOWN_MS);
    this.#measuredAtMs = now;
    this.#usedMs = usedMs;
    return now;
  }
}
