// How many questions about payments are under way to one processor: fewer, with pauses in between,
// while it answers none.

import { doublingMs, type Clock } from '../clock.ts';

/** While questions aren't answered. */
const AT_ONCE_UNANSWERED = 4;
const UNANSWERED_IN_ROW = 3;
const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 1_000;

export class QuestionLimit {
  readonly #clock: Clock;
  readonly #atOnceMax: number;
  #underWay = 0;
  /** Questions in a row, about different payments, that were not answered. */
  #unanswered = 0;
  #pausedUntilMs = 0;

  constructor(clock: Clock, atOnceMax: number) {
    this.#clock = clock;
    this.#atOnceMax = atOnceMax;
  }

  /** Whether one more may be asked now. */
  get isFree(): boolean {
    const atOnce = this.#answersNone ? AT_ONCE_UNANSWERED : Number.POSITIVE_INFINITY;
    const isBelow = this.#underWay < Math.min(atOnce, this.#atOnceMax);
    return isBelow && this.#clock.elapsed() >= this.#pausedUntilMs;
  }

  asks(): void {
    this.#underWay++;
  }

  asked(): void {
    this.#underWay--;
  }

  /** Whether this is the first answer after it had answered none. */
  answered(): boolean {
    const answersAgain = this.#answersNone;
    this.#unanswered = 0;
    return answersAgain;
  }

  /** For a payment's first question in a row without an answer. */
  notAnswered(): void {
    const pauseMs = doublingMs(this.#unanswered++, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    if (this.#answersNone) this.#pausedUntilMs = this.#clock.elapsed() + pauseMs;
  }

  get #answersNone(): boolean {
    return this.#unanswered >= UNANSWERED_IN_ROW;
  }
}
