// What is known of one processor, from its own answers first and from its health second.
//
// Attempts are numbered as they leave. Those after the latest answered one are all under way, so
// the age of the second of them bounds from below how slow the processor is now, long before it
// answers.
//
// One payment may fail for what it is. So a processor is failing when several different payments in
// a row failed there; a payment that failed before counts only when it succeeds. Payments that
// nobody takes may still come in a row: when the next one succeeds within seconds, the verdict was
// wrong, and the next verdict takes twice as many.
//
// How many may be under way adapts to what the processor bears: halved when it says that it has too much at once (429), and grown by
// a quarter for each round of good answers, up to its most.

import type { Clock } from '../clock.ts';

/** A moment's view of a processor, for choosing. Durations in milliseconds. */
export interface LaneView {
  readonly feeBps: number;
  /** How long it has been failing; undefined while it works. */
  readonly failingForMs: number | undefined;
  /** What an attempt sent now takes, as far as we can tell. */
  readonly delayMs: number;
  readonly inFlight: number;
  /** How many it bears now. */
  readonly inFlightMax: number;
  /** It wasn't heard of for a while: one payment may find out. */
  readonly probeDue: boolean;
}

/**
 * What an answer says of the processor; 'busy' is neither good nor bad, 'nothing' isn't about it.
 */
export type News = 'works' | 'fails' | 'busy' | 'nothing';

export interface LaneOptions {
  readonly feeBps: number;
  /** Never more under way than this. */
  readonly inFlightMax: number;
  readonly probeEveryMs: number;
}

/** Aimed at while a failing processor answers slowly. */
const PROBES_AT_ONCE = 4;
/** A slow one that works: its payments stay unsettled long, and its health tells too when it gets faster. */
const SLOW_PROBE_DELAYS = 4;
/** Health speaks of the moment of its call; our own answers of the last second know better. */
const OWN_ANSWER_COUNTS_MS = 1_000;
const GROWTH_PER_ANSWER = 0.25;
/** Different payments that fail in a row before the processor counts as failing. */
const FAILURES_LEAST = 3;
const FAILURES_MOST = 96;
/** Different payments that say "too much" in a row before fewer are sent. */
const BUSY_LEAST = 8;
/**
 * A verdict was wrong when a payment succeeds so soon after it; the contest's outages last 10 s and
 * more.
 */
const WRONG_WITHIN_MS = 5_000;
/** After each so long without a wrong verdict, half as many different payments are believed. */
const WARY_MS = 60_000;
/**
 * So many probes come this soon after a verdict and each other, each further one after twice the
 * time.
 */
const EARLY_PROBES = 10;
const EARLY_PROBE_MS = 20;

export class Lane {
  inFlight = 0;
  /** Reported best case for an answer, 0 until it is known. */
  minResponseTimeMs = 0;
  readonly #clock: Clock;
  readonly #options: LaneOptions;
  readonly #sentAtMs: Float64Array;
  #sent = 0;
  #answered = 0;
  #delayMs = 0;
  #workingDelayMs = 0;
  #failingSinceMs: number | undefined;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #lastAnswerMs = Number.NEGATIVE_INFINITY;
  #limit: number;
  /** Different payments that failed since the last one that succeeded. */
  #failuresInRow = 0;
  /** So many in a row make a verdict. */
  #failuresNeeded = FAILURES_LEAST;
  #wrongAtMs = Number.NEGATIVE_INFINITY;
  /** Of the latest verdict, until it proves right or wrong. */
  #verdictAtMs = Number.NEGATIVE_INFINITY;
  /** Attempts that left since the verdict. */
  #probes = 0;
  /** The last attempt that left before the limit was halved: what it and those before it say is no news. */
  #halvedAt = 0;

  constructor(clock: Clock, options: LaneOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#sentAtMs = new Float64Array(options.inFlightMax + 1);
    this.#limit = options.inFlightMax;
  }

  /** An attempt leaves; the number it is known by. */
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

  /** 0 while it works. */
  get failingForMs(): number {
    return this.#failingSinceMs === undefined ? 0 : this.#clock.elapsed() - this.#failingSinceMs;
  }

  /** An attempt ended after `tookMs`. 'fails' and 'busy' are only for a payment's first failure. */
  answered(attempt: number, tookMs: number, news: News): void {
    this.inFlight--;
    const isLatest = attempt > this.#answered;
    if (isLatest) this.#answered = attempt;
    if (news === 'nothing') return;
    this.learned(news, attempt);
    // What one payment's failure took is that payment's matter, until the processor is failing.
    if (news === 'fails' && !this.isFailing) return;
    this.#lastAnswerMs = this.#clock.elapsed();
    if (isLatest) this.#delayMs = tookMs;
    if (news === 'works') this.#workingDelayMs = this.#delayMs;
  }

  /** What is known of a payment's outcome later than its attempt ended, or right now. */
  learned(news: Exclude<News, 'nothing'>, attempt = this.#sent): void {
    if (news === 'works') {
      this.#works();
      return;
    }
    this.#failuresInRow++;
    if (news === 'fails' && this.#failuresInRow >= this.#needed()) this.#fail();
    const busyNeeded = Math.max(BUSY_LEAST, this.#needed());
    if (news === 'busy' && this.#failuresInRow >= busyNeeded) this.#sendFewer(attempt);
  }

  #works(): void {
    const now = this.#clock.elapsed();
    if (now - this.#verdictAtMs < WRONG_WITHIN_MS) {
      this.#verdictAtMs = Number.NEGATIVE_INFINITY;
      this.#failuresNeeded = Math.min(FAILURES_MOST, 2 * this.#needed());
      this.#wrongAtMs = now;
    }
    this.#failuresInRow = 0;
    this.#failingSinceMs = undefined;
    this.#limit = Math.min(this.#options.inFlightMax, this.#limit + GROWTH_PER_ANSWER);
  }

  #needed(): number {
    const halvings = Math.floor((this.#clock.elapsed() - this.#wrongAtMs) / WARY_MS);
    return Math.max(FAILURES_LEAST, this.#failuresNeeded / 2 ** Math.min(halvings, 10));
  }

  #fail(): void {
    if (this.#failingSinceMs !== undefined) return;
    this.#failingSinceMs = this.#clock.elapsed();
    this.#verdictAtMs = this.#failingSinceMs;
    this.#probes = 0;
  }

  /** One that has too much with a single attempt is as good as failing. */
  #sendFewer(attempt: number): void {
    if (this.#limit < 2) this.#fail();
    if (attempt <= this.#halvedAt) return;
    this.#halvedAt = this.#sent;
    this.#verdictAtMs = this.#clock.elapsed();
    this.#failuresInRow = 0;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** What the processor says of itself. */
  reported(failing: boolean, minResponseTimeMs: number): void {
    this.minResponseTimeMs = minResponseTimeMs;
    const now = this.#clock.elapsed();
    if (now - this.#lastAnswerMs < OWN_ANSWER_COUNTS_MS) return;
    if (failing) this.#fail();
    else {
      // Good news are believed only as far as a probe at once: the payments follow its answer.
      const isBetter = this.#failingSinceMs !== undefined || minResponseTimeMs < this.#delayMs;
      if (isBetter) this.#lastSentMs = Number.NEGATIVE_INFINITY;
      this.#delayMs = Math.max(this.#delayMs, minResponseTimeMs);
    }
  }

  view(): LaneView {
    const now = this.#clock.elapsed();
    const failing = this.#failingSinceMs !== undefined;
    const { feeBps, probeEveryMs } = this.#options;
    const inFlightMax = Math.floor(this.#limit);
    // A failing processor's answers don't say how fast it will be when it works again.
    // One that works and is later than it was is expected to be as late again, as an outage is to last as long again.
    const delayMs = failing
      ? this.#workingDelayMs
      : Math.max(this.#delayMs, 2 * this.#unansweredMs(now) - this.#delayMs);
    // A slow one is probed less often: a failing one by up to a few probes at once, a working one much less.
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
   * For how long the second attempt after the latest answered one has been under way; 0 without
   * one. The first one alone may hang for what its payment is.
   */
  #unansweredMs(now: number): number {
    if (this.#sent - this.#answered < 2) return 0;
    return now - (this.#sentAtMs[(this.#answered + 2) % this.#sentAtMs.length] as number);
  }
}
