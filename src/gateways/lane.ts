// What is known of one processor, from its own answers first and from its health second.
//
// Attempts are numbered as they leave. Those after the latest answered one are all under way, so the age of the first of
// them bounds from below how slow the processor is now, long before it answers.
//
// How many may be under way adapts to what the processor bears: halved when it says that it has too much at once (429), and grown by
// a twentieth for each round of good answers, up to its most.

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

/** What an answer tells of the processor; 'busy' is neither good nor bad, 'nothing' isn't about it. */
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
const GROWTH_PER_ANSWER = 0.05;

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
    return this.#sent;
  }

  /** An attempt ended after `tookMs`. */
  answered(attempt: number, tookMs: number, news: News): void {
    this.inFlight--;
    const isLatest = attempt > this.#answered;
    if (isLatest) this.#answered = attempt;
    if (news === 'nothing') return;
    this.#lastAnswerMs = this.#clock.elapsed();
    if (isLatest) this.#delayMs = tookMs;
    switch (news) {
      case 'works':
        this.#workingDelayMs = this.#delayMs;
        this.#failingSinceMs = undefined;
        this.#limit = Math.min(this.#options.inFlightMax, this.#limit + GROWTH_PER_ANSWER);
        break;
      case 'fails':
        this.#failingSinceMs ??= this.#lastAnswerMs;
        break;
      case 'busy':
        this.#sendFewer(attempt);
        break;
    }
  }

  /** One that has too much with a single attempt is as good as failing. */
  #sendFewer(attempt: number): void {
    if (this.#limit < 2) this.#failingSinceMs ??= this.#lastAnswerMs;
    if (attempt <= this.#halvedAt) return;
    this.#halvedAt = this.#sent;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** What the processor says of itself. */
  reported(failing: boolean, minResponseTimeMs: number): void {
    this.minResponseTimeMs = minResponseTimeMs;
    const now = this.#clock.elapsed();
    if (now - this.#lastAnswerMs < OWN_ANSWER_COUNTS_MS) return;
    if (failing) this.#failingSinceMs ??= now;
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
      ? Math.min(
          Math.max(probeEveryMs, this.#delayMs / PROBES_AT_ONCE),
          probeEveryMs * PROBES_AT_ONCE,
        )
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

  /** For how long the first attempt after the latest answered one has been under way; 0 without one. */
  #unansweredMs(now: number): number {
    if (this.#sent === this.#answered) return 0;
    return now - (this.#sentAtMs[(this.#answered + 1) % this.#sentAtMs.length] as number);
  }
}
