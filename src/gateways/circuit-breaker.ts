// The circuit breaker of one processor: whether it fails, how slow it is, and how many attempts may
// be under way. It learns from the answers to attempts first and from health reports second. It
// sends nothing itself.

import type { Clock } from '../clock.ts';
import type { ProcessorView } from './choice.ts';

/** What an attempt shows of the processor. 'busy' is not a failure; 'none' shows nothing. */
export type Signal = 'success' | 'failure' | 'busy' | 'none';

export interface CircuitBreakerOptions {
  readonly feeBps: number;
  /** The most attempts under way at any time. */
  readonly inFlightMax: number;
  readonly probeEveryMs: number;
}

/** Probes under way at a failing processor that answers slowly, about. */
const PROBES_AT_ONCE = 4;
/**
 * A slow processor that works is probed once in this many delays. A probe's payment stays unsettled
 * for long, and health reports also show when the processor gets faster.
 */
const SLOW_PROBE_DELAYS = 4;
/** A health report changes no verdict and no delay if an attempt was answered within this time. */
const OWN_ANSWER_COUNTS_MS = 1_000;
/** Attempts that a success adds to the limit. */
const GROWTH_PER_ANSWER = 0.25;
/** Different payments in a row that must fail for the verdict, at least and at most. */
const FAILURES_MIN = 3;
const FAILURES_MAX = 96;
/** Different payments in a row, at least, that must be answered 'busy' to halve the limit. */
const BUSY_MIN = 8;
/** A success this soon proves the verdict wrong; the contest's outages last 10 s and more. */
const WRONG_WITHIN_MS = 5_000;
/** Each such time without a wrong verdict halves the number of failures that a verdict needs. */
const VERDICT_HALF_LIFE_MS = 60_000;
/** The first probes after a verdict; the pause before each further probe doubles. */
const EARLY_PROBES = 10;
/** The pause before each of the first probes. */
const EARLY_PROBE_MS = 20;
/** A processor without an attempt for this long is not in use. */
const UNUSED_MS = 5_000;

export class CircuitBreaker {
  inFlight = 0;
  /** The shortest delay by the latest health report; 0 before the first. */
  minResponseTimeMs = 0;
  readonly #clock: Clock;
  readonly #options: CircuitBreakerOptions;
  readonly #sentAtMs: Float64Array;
  #sent = 0;
  #answered = 0;
  #delayMs = 0;
  #workingDelayMs = 0;
  #failingSinceMs: number | undefined;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #lastAnswerMs = Number.NEGATIVE_INFINITY;
  #lastEndedMs = Number.NEGATIVE_INFINITY;
  /** By the latest health report. */
  #isReportedWell = false;
  /**
   * Attempts that may be under way, from 1 to `inFlightMax`. Halved when the processor answers that
   * it has too many (429). A round of successes adds about a quarter.
   */
  #limit: number;
  /** Different payments that failed since the last success. */
  #failuresInRow = 0;
  /** Failures in a row that a verdict needs, before halving (VERDICT_HALF_LIFE_MS). */
  #failuresNeeded = FAILURES_MIN;
  /** Time of the latest wrong verdict. */
  #wrongAtMs = Number.NEGATIVE_INFINITY;
  /** Time of the latest verdict or halving of the limit; -Infinity once it proved wrong. */
  #verdictAtMs = Number.NEGATIVE_INFINITY;
  /** Attempts sent since the latest verdict. */
  #probes = 0;
  /** The last attempt sent before the limit was halved; attempts up to it can't halve it again. */
  #halvedAt = 0;

  constructor(clock: Clock, options: CircuitBreakerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#sentAtMs = new Float64Array(options.inFlightMax + 1);
    this.#limit = options.inFlightMax;
  }

  /** Counts an attempt that leaves, and returns its number for `ended`. */
  sent(): number {
    const now = this.#clock.elapsed();
    this.inFlight++;
    this.#sent++;
    this.#sentAtMs[this.#sent % this.#sentAtMs.length] = now;
    this.#lastSentMs = now;
    this.#probes++;
    return this.#sent;
  }

  get isFailing(): boolean {
    return this.#failingSinceMs !== undefined;
  }

  /** How long the processor has been failing; 0 while it works. */
  get failingForMs(): number {
    return this.#failingSinceMs === undefined ? 0 : this.#clock.elapsed() - this.#failingSinceMs;
  }

  /**
   * The same for operators: 0 too if the processor is not in use and its health report is good.
   * The circuit breaker stays open until a probe; a processor that is too dear may get none.
   */
  get troubleForMs(): number {
    const unusedForMs = this.#clock.elapsed() - this.#lastEndedMs;
    const isUnused = this.inFlight === 0 && unusedForMs >= UNUSED_MS;
    return isUnused && this.#isReportedWell ? 0 : this.failingForMs;
  }

  /**
   * An attempt ended after `tookMs`. 'failure' and 'busy' are only for a payment's first failure
   * here; a later failure is 'none'.
   */
  ended(attempt: number, tookMs: number, signal: Signal): void {
    this.inFlight--;
    this.#lastEndedMs = this.#clock.elapsed();
    const isLatest = attempt > this.#answered;
    if (isLatest) this.#answered = attempt;
    if (signal === 'none') return;
    this.record(signal, attempt);
    // While the processor works, a failed payment says nothing of the processor's delay.
    if (signal === 'failure' && !this.isFailing) return;
    this.#lastAnswerMs = this.#clock.elapsed();
    if (isLatest) this.#delayMs = tookMs;
    if (signal === 'success') this.#workingDelayMs = this.#delayMs;
  }

  /**
   * Counts an outcome, also one that becomes known after its attempt ended. A single payment may
   * fail because of its content. So the verdict is "failing" after several different payments in a
   * row failed. If a payment succeeds within WRONG_WITHIN_MS of the verdict, the verdict was wrong
   * (bad payments came in a row), and the next verdict needs twice as many failures.
   */
  record(signal: Exclude<Signal, 'none'>, attempt = this.#sent): void {
    if (signal === 'success') {
      this.#succeed();
      return;
    }
    this.#failuresInRow++;
    if (signal === 'failure' && this.#failuresInRow >= this.#needed()) this.#fail();
    const busyNeeded = Math.max(BUSY_MIN, this.#needed());
    if (signal === 'busy' && this.#failuresInRow >= busyNeeded) this.#halveLimit(attempt);
  }

  #succeed(): void {
    const now = this.#clock.elapsed();
    if (now - this.#verdictAtMs < WRONG_WITHIN_MS) {
      this.#verdictAtMs = Number.NEGATIVE_INFINITY;
      this.#failuresNeeded = Math.min(FAILURES_MAX, 2 * this.#needed());
      this.#wrongAtMs = now;
    }
    this.#failuresInRow = 0;
    this.#failingSinceMs = undefined;
    this.#limit = Math.min(this.#options.inFlightMax, this.#limit + GROWTH_PER_ANSWER);
  }

  /** Failures in a row that a verdict needs now. */
  #needed(): number {
    const halvings = Math.floor((this.#clock.elapsed() - this.#wrongAtMs) / VERDICT_HALF_LIFE_MS);
    return Math.max(FAILURES_MIN, this.#failuresNeeded / 2 ** Math.min(halvings, 10));
  }

  #fail(): void {
    if (this.#failingSinceMs !== undefined) return;
    this.#failingSinceMs = this.#clock.elapsed();
    this.#verdictAtMs = this.#failingSinceMs;
    this.#probes = 0;
  }

  /** A processor that has too many with one attempt under way counts as failing. */
  #halveLimit(attempt: number): void {
    if (this.#limit < 2) this.#fail();
    if (attempt <= this.#halvedAt) return;
    this.#halvedAt = this.#sent;
    this.#verdictAtMs = this.#clock.elapsed();
    this.#failuresInRow = 0;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** Takes a health report. `minResponseTimeMs` is the shortest delay that it promises. */
  reported(failing: boolean, minResponseTimeMs: number): void {
    this.minResponseTimeMs = minResponseTimeMs;
    this.#isReportedWell = !failing;
    const now = this.#clock.elapsed();
    if (now - this.#lastAnswerMs < OWN_ANSWER_COUNTS_MS) return;
    if (failing) this.#fail();
    else {
      // A good report only makes a probe due now; payments follow the probe's answer.
      const isBetter = this.#failingSinceMs !== undefined || minResponseTimeMs < this.#delayMs;
      if (isBetter) this.#lastSentMs = Number.NEGATIVE_INFINITY;
      this.#delayMs = Math.max(this.#delayMs, minResponseTimeMs);
    }
  }

  view(): ProcessorView {
    const now = this.#clock.elapsed();
    const failing = this.#failingSinceMs !== undefined;
    const { feeBps, probeEveryMs } = this.#options;
    const inFlightMax = Math.floor(this.#limit);
    // A failing processor's delays don't show its delay when it works again. If a working processor
    // is later than its last delay, it is expected to be later by the same time again.
    const delayMs = failing
      ? this.#workingDelayMs
      : Math.max(this.#delayMs, 2 * this.#unansweredMs(now) - this.#delayMs);
    // A slow processor is probed less often, and far less often while it works.
    const interval = failing
      ? this.#failingProbeMs()
      : Math.max(probeEveryMs, this.#delayMs * SLOW_PROBE_DELAYS);
    return {
      feeBps,
      failingForMs: this.#failingSinceMs === undefined ? undefined : now - this.#failingSinceMs,
      delayMs,
      inFlight: this.inFlight,
      inFlightMax,
      probeDue: this.inFlight < inFlightMax && now - this.#lastSentMs >= interval,
    };
  }

  #failingProbeMs(): number {
    const { probeEveryMs } = this.#options;
    const usualMs = Math.max(probeEveryMs, this.#delayMs / PROBES_AT_ONCE);
    const later = Math.max(0, this.#probes - EARLY_PROBES);
    const earlyMs = EARLY_PROBE_MS * 2 ** Math.min(later, 10);
    return Math.min(usualMs, probeEveryMs * PROBES_AT_ONCE, earlyMs);
  }

  /**
   * How long the second attempt after the latest answered one has been under way; 0 without one.
   * Attempts are numbered as they leave, so all after the latest answered one are under way. The
   * age of the second is a lower bound of the processor's delay, long before it answers. The first
   * one alone may hang because of its payment's content.
   */
  #unansweredMs(now: number): number {
    if (this.#sent - this.#answered < 2) return 0;
    return now - (this.#sentAtMs[(this.#answered + 2) % this.#sentAtMs.length] as number);
  }
}
