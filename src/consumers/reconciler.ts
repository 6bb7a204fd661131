// Reconciliation: payments that may be at one processor are asked about there until it is known.
//
// A processor works on after its client has gone, and how long it sleeps before it stores a payment
// is not known. So a payment that it doesn't hold yet is asked about again every 0.5 s: a question
// costs little, and no delay of the processor applies to it. The request may also have been lost.
// So, beside the questions, the payment is sent again after longer and longer pauses: identically,
// to the same processor and nowhere else. 200 settles it; after 422 the next question finds it. A
// 5xx to that second request proves nothing about the first one, so the pin stays.
//
//   fresh ──charged──▶ settled
//     └──still absent after several requests──▶ set aside: the same, less often

import type { Ring } from '../buffer/ring.ts';
import { doublingMs, type Clock, type Timer } from '../clock.ts';
import type { Lane } from '../gateways/lane.ts';
import type { Processor } from '../gateways/processor.ts';
import type { Log } from '../log.ts';
import { processorName, type Charge, type ProcessorIndex } from '../payment.ts';
import { chargeOf } from './attempt.ts';
import { AWAKE_MS, describe, unknownOf, Unknowns, type Unknown } from './unknown-payment.ts';

export interface ReconcilerParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly processor: ProcessorIndex;
  readonly client: Processor;
  readonly lane: Lane;
  /** Questions under way at once, and repeated requests beside them. */
  readonly atOnceMax: number;
  readonly timeoutMs: () => number;
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /** What a restart found, until it is known whether the processor had acknowledged it. */
  readonly recovering: { end(slot: number): void };
  readonly contradictions: {
    heldOtherwise(processor: ProcessorIndex, sent: Charge, held: Charge): void;
  };
  readonly log: Log;
}

/** Since when the outcome is unknown: no usable answer, a 422, or a restart that found the pin. */
export type Since = 'no answer' | '422' | 'restart';

/** A question's first time-out; twice as long after each without an answer, up to a request's. */
const QUESTION_MS = 400;
const TICK_MS = 20;
/** 800 questions a second. */
const ASKS_PER_TICK = 16;
const RESEND_FIRST_MS = 1_000;
const RESEND_MAX_MS = 30_000;
/** After so many requests that settled nothing, or 422s without the payment, it is set aside. */
const RESENDS_FRESH = 5;
const DUPLICATES_FRESH = 3;
/** While questions aren't answered. */
const AT_ONCE_UNANSWERED = 4;
const UNANSWERED_IN_ROW = 3;
const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 1_000;

export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #name: string;
  readonly #unknowns = new Unknowns();
  #asking = 0;
  #resending = 0;
  /** Questions in a row that were not answered. */
  #unanswered = 0;
  #pausedUntilMs = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#name = processorName(parts.processor);
  }

  /** Payments whose outcome is unknown. */
  get pending(): number {
    return this.#unknowns.size;
  }

  /** Requests under way, also of payments that were settled meanwhile. */
  get resending(): number {
    return this.#resending;
  }

  /** Takes a payment that is pinned to this processor. */
  add(slot: number, since: Since): void {
    const { clock, ring } = this.#parts;
    const now = clock.elapsed();
    const unknown = unknownOf(slot, chargeOf(ring, slot), now);
    // The request of an earlier life may never have left.
    if (since !== 'restart') unknown.resendAtMs = now + RESEND_FIRST_MS;
    if (since === '422') unknown.duplicates = 1;
    this.#unknowns.add(unknown);
    const isFree = this.#asking < this.#atOnce() && now >= this.#pausedUntilMs;
    if (isFree && !this.#stopped) void this.#ask(unknown);
    else this.#wait(unknown);
  }

  /** The processor works again: those that were set aside are asked about and sent now. */
  hurry(): void {
    this.#unknowns.hurry();
  }

  /** Questions under way are finished; what is left stays pinned in the journal. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** The first `most` of them, for whoever looks into it. */
  list(most: number): Record<string, unknown>[] {
    const now = this.#parts.clock.elapsed();
    return this.#unknowns.list(most).map((unknown) => describe(unknown, this.#name, now));
  }

  #atOnce(): number {
    const most = this.#unanswered < UNANSWERED_IN_ROW ? Infinity : AT_ONCE_UNANSWERED;
    return Math.min(most, this.#parts.atOnceMax);
  }

  #wait(unknown: Unknown): void {
    this.#unknowns.wait(unknown, this.#parts.clock.elapsed());
    this.#plan();
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#stopped || this.#unknowns.size === 0) return;
    this.#timer = this.#parts.clock.after(TICK_MS, () => {
      this.#timer = undefined;
      this.#askDue();
      this.#plan();
    });
  }

  #askDue(): void {
    const now = this.#parts.clock.elapsed();
    for (let asks = 0; asks < ASKS_PER_TICK; asks++) {
      if (now < this.#pausedUntilMs || this.#asking >= this.#atOnce()) return;
      const next = this.#unknowns.due(now);
      if (next === undefined) return;
      void this.#ask(next);
    }
  }

  async #ask(unknown: Unknown): Promise<void> {
    const { client, timeoutMs } = this.#parts;
    this.#asking++;
    const patienceMs = doublingMs(unknown.unanswered, QUESTION_MS, timeoutMs());
    const { charge } = unknown;
    const { held, status, said } = await client.lookup(charge.correlationId, patienceMs);
    this.#asking--;
    if (unknown.isSettled) return;
    if (held === 'unknown') {
      if (status > 0) this.#tellUnreadable(unknown, { status, said });
      this.#unansweredOnce(unknown);
    } else {
      if (this.#unanswered >= UNANSWERED_IN_ROW) this.#unknowns.hurry();
      this.#unanswered = 0;
      unknown.unanswered = 0;
    }
    if (typeof held === 'object') return this.#settle(unknown, held);
    if (held === 'absent') this.#absent(unknown);
    this.#wait(unknown);
  }

  /** Different payments whose questions fail in a row say that the processor answers none. */
  #unansweredOnce(unknown: Unknown): void {
    if (unknown.unanswered++ > 0) return;
    const pauseMs = doublingMs(this.#unanswered++, PAUSE_FIRST_MS, PAUSE_MAX_MS);
    if (this.#unanswered < UNANSWERED_IN_ROW) return;
    this.#pausedUntilMs = this.#parts.clock.elapsed() + pauseMs;
  }

  #absent(unknown: Unknown): void {
    const { clock, lane, atOnceMax, recovering } = this.#parts;
    // Had the processor acknowledged it, it would be there.
    recovering.end(unknown.slot);
    // A 422 for a payment that it doesn't hold refuses the payment: no sign that it works.
    if (unknown.duplicates > 0 && !unknown.isHeldAgainst) {
      unknown.isHeldAgainst = true;
      lane.learned('fails');
    }
    const isTime = clock.elapsed() >= unknown.resendAtMs;
    if (isTime && !unknown.isResending && !this.#stopped && this.#resending < atOnceMax) {
      void this.#resend(unknown);
    }
  }

  async #resend(unknown: Unknown): Promise<void> {
    const { clock, client, timeoutMs } = this.#parts;
    unknown.isResending = true;
    this.#resending++;
    const { outcome, status, said } = await client.charge(unknown.charge, timeoutMs());
    this.#resending--;
    unknown.isResending = false;
    if (unknown.isSettled) return;
    if (outcome === 'charged') return this.#settle(unknown, unknown.charge);
    const pauseMs = doublingMs(unknown.resends++, RESEND_FIRST_MS, RESEND_MAX_MS);
    unknown.resendAtMs = clock.elapsed() + pauseMs;
    unknown.awakeUntilMs = clock.elapsed() + AWAKE_MS;
    if (outcome === 'duplicate') unknown.duplicates++;
    unknown.answered = { status, said };
    const isFresh = unknown.resends < RESENDS_FRESH && unknown.duplicates <= DUPLICATES_FRESH;
    if (!isFresh && !unknown.isSetAside) this.#putAside(unknown);
    // It is there, so a question finds it.
    else if (outcome === 'duplicate' && this.#unknowns.takeOut(unknown)) void this.#ask(unknown);
  }

  #putAside(unknown: Unknown): void {
    unknown.isSetAside = true;
    if (this.#unknowns.takeOut(unknown)) this.#wait(unknown);
    const { charge, resends, duplicates } = unknown;
    this.#parts.log.error('payment set aside', {
      ...charge,
      processor: this.#name,
      outcome: 'unknown',
      requests: resends + 1,
      duplicates,
      ...unknown.answered,
    });
  }

  /** Once for each payment. */
  #tellUnreadable(unknown: Unknown, answered: Unknown['answered']): void {
    unknown.answered = answered;
    if (unknown.isUnreadable) return;
    unknown.isUnreadable = true;
    const { correlationId } = unknown.charge;
    const processor = this.#name;
    this.#parts.log.warn('answer can not be read', { correlationId, processor, ...answered });
  }

  #settle(unknown: Unknown, held: Charge): void {
    const { clock, ring, lane, processor, contradictions, log, onCharged } = this.#parts;
    const { slot, charge, sinceMs } = unknown;
    unknown.isSettled = true;
    this.#unknowns.settle(unknown);
    if (unknown.duplicates > 0) lane.learned('works');
    if (held.amountCents !== charge.amountCents) {
      contradictions.heldOtherwise(processor, charge, held);
    }
    ring.correct(slot, held.amountCents, held.requestedAtMs);
    const { correlationId } = charge;
    const afterMs = Math.round(clock.elapsed() - sinceMs);
    log.info('outcome known', { correlationId, processor: this.#name, afterMs });
    onCharged(slot, processor);
  }
}
