// The reconciler of one processor: payments of unknown outcome are pinned to it, and it is asked
// about each of them until the outcome is known.
//
// A processor goes on working after its client has gone, and nobody knows how long it waits before
// it stores a payment. So a payment that it doesn't hold yet is asked about again every 0.5 s: a
// question costs little, and the processor's delay doesn't apply to it. The request may also have
// been lost. So the payment is sent again as well, after longer and longer pauses: the same
// request, to the same processor only. A 200 settles it; after a 422 the next question finds it. A
// 5xx to the second request proves nothing about the first one, so the pin stays.
//
//   fresh ──charged──▶ settled
//     └──still absent after several requests──▶ set aside: the same, less often

import type { Recovering } from '../buffer/recovering.ts';
import type { Ring } from '../buffer/ring.ts';
import { doublingMs, type Clock, type Timer } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { CircuitBreaker } from '../gateways/circuit-breaker.ts';
import type { Processor } from '../gateways/processor.ts';
import type { Routing } from '../gateways/routing.ts';
import type { Log } from '../log/log.ts';
import { processorName, type Charge, type ProcessorIndex } from '../payment.ts';
import type { Ports } from '../ports.ts';
import type { BatchWriter } from '../settlement/batch-writer.ts';
import type { Contradictions } from '../settlement/contradictions.ts';
import { QuestionLimit } from './question-limit.ts';
import { AWAKE_MS, describe, unknownOf, Unknowns, type Unknown } from './unknown-payment.ts';

export interface ReconcilerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly processors: Ports['processors'];
  readonly processor: ProcessorIndex;
  readonly ring: Ring;
  readonly routing: Routing;
  readonly writer: BatchWriter;
  readonly recovering: Recovering;
  readonly contradictions: Contradictions;
}

/** Why the outcome is unknown: no usable answer, a 422, or a restart that found the pin. */
export type Since = 'no answer' | '422' | 'restart';

/** A question's first time-out. It doubles with each missing answer, up to a request's time-out. */
const QUESTION_MS = 400;
const TICK_MS = 20;
/** 800 questions a second. */
const ASKS_PER_TICK = 16;
const RESEND_FIRST_MS = 1_000;
const RESEND_MAX_MS = 30_000;
/** A payment is set aside after so many requests, or after more 422s than this. */
const RESENDS_FRESH = 5;
const DUPLICATES_FRESH = 3;

export class Reconciler {
  readonly unknowns = new Unknowns();
  readonly #parts: ReconcilerParts;
  readonly #client: Processor;
  readonly #breaker: CircuitBreaker;
  readonly #name: string;
  readonly #questions: QuestionLimit;
  #resending = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    const { config, clock, processors, routing, processor } = parts;
    this.#questions = new QuestionLimit(clock, config.RECONCILERS);
    this.#client = processors[processor];
    this.#breaker = routing.breakers[processor];
    this.#name = processorName(processor);
  }

  /** Payments whose outcome is unknown. */
  get pending(): number {
    return this.unknowns.size;
  }

  /** Requests under way, also of payments that were settled meanwhile. */
  get resending(): number {
    return this.#resending;
  }

  /** Takes a payment that is pinned to this processor. */
  add(slot: number, since: Since): void {
    const { clock, ring } = this.#parts;
    const now = clock.elapsed();
    const unknown = unknownOf(slot, ring.chargeOf(slot), now);
    // Before a restart the request may never have left: it is sent again at once.
    if (since !== 'restart') unknown.resendAtMs = now + RESEND_FIRST_MS;
    if (since === '422') unknown.duplicates = 1;
    this.unknowns.add(unknown);
    if (this.#questions.isFree && !this.#stopped) void this.#ask(unknown);
    else this.#wait(unknown);
  }

  /** The processor works again: payments that were set aside are asked about and sent now. */
  hurry(): void {
    this.unknowns.hurry();
  }

  /** Questions under way are finished; what is left stays pinned in the journal. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** The first `most` payments, for the status. */
  list(most: number): Record<string, unknown>[] {
    const now = this.#parts.clock.elapsed();
    return this.unknowns.list(most).map((unknown) => describe(unknown, this.#name, now));
  }

  #timeoutMs(): number {
    const { routing, processor } = this.#parts;
    return routing.timeoutMs(processor);
  }

  #wait(unknown: Unknown): void {
    this.unknowns.wait(unknown, this.#parts.clock.elapsed());
    this.#plan();
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#stopped || this.unknowns.size === 0) return;
    this.#timer = this.#parts.clock.after(TICK_MS, () => {
      this.#timer = undefined;
      this.#askDue();
      this.#plan();
    });
  }

  #askDue(): void {
    const now = this.#parts.clock.elapsed();
    for (let asks = 0; asks < ASKS_PER_TICK; asks++) {
      if (!this.#questions.isFree) return;
      const next = this.unknowns.due(now);
      if (next === undefined) return;
      void this.#ask(next);
    }
  }

  async #ask(unknown: Unknown): Promise<void> {
    const { correlationId } = unknown.charge;
    this.#questions.asks();
    const patienceMs = doublingMs(unknown.unanswered, QUESTION_MS, this.#timeoutMs());
    const { held, status, excerpt: said } = await this.#client.lookup(correlationId, patienceMs);
    this.#questions.asked();
    if (unknown.isSettled) return;
    if (held === 'unknown') {
      if (status > 0) this.#logUnreadable(unknown, { status, said });
      if (unknown.unanswered++ === 0) this.#questions.notAnswered();
    } else {
      if (this.#questions.answered()) this.unknowns.hurry();
      unknown.unanswered = 0;
    }
    if (typeof held === 'object') return this.#settle(unknown, held);
    if (held === 'absent') this.#absent(unknown);
    this.#wait(unknown);
  }

  #absent(unknown: Unknown): void {
    const { config, clock, recovering } = this.#parts;
    // If the processor had acknowledged it, it would hold it.
    recovering.end(unknown.slot);
    // A 422 for a payment that the processor doesn't hold refuses that payment.
    if (unknown.duplicates > 0 && !unknown.isHeldAgainst) {
      unknown.isHeldAgainst = true;
      this.#breaker.record('failure');
    }
    const isTime = clock.elapsed() >= unknown.resendAtMs && unknown.wanted === undefined;
    const isFree = this.#resending < config.RECONCILERS;
    if (isTime && isFree && !unknown.isResending && !this.#stopped) void this.#resend(unknown);
  }

  async #resend(unknown: Unknown): Promise<void> {
    const { clock } = this.#parts;
    unknown.isResending = true;
    this.#resending++;
    const {
      outcome,
      status,
      excerpt: said,
    } = await this.#client.charge(unknown.charge, this.#timeoutMs());
    this.#resending--;
    unknown.isResending = false;
    if (unknown.isSettled) return;
    if (outcome === 'charged') return this.#settle(unknown, unknown.charge);
    const pauseMs = doublingMs(unknown.resends++, RESEND_FIRST_MS, RESEND_MAX_MS);
    unknown.resendAtMs = clock.elapsed() + pauseMs;
    unknown.awakeUntilMs = clock.elapsed() + AWAKE_MS;
    if (outcome === 'duplicate') unknown.duplicates++;
    unknown.answered = { status, said };
    if (this.unknowns.leaves(unknown)) return;
    const isFresh = unknown.resends < RESENDS_FRESH && unknown.duplicates <= DUPLICATES_FRESH;
    if (!isFresh && !unknown.isSetAside) this.#putAside(unknown);
    // The processor holds it, so a question finds it.
    else if (outcome === 'duplicate' && this.unknowns.takeOut(unknown)) void this.#ask(unknown);
  }

  #putAside(unknown: Unknown): void {
    unknown.isSetAside = true;
    if (this.unknowns.takeOut(unknown)) this.#wait(unknown);
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
  #logUnreadable(unknown: Unknown, answered: Unknown['answered']): void {
    unknown.answered = answered;
    if (unknown.isUnreadable) return;
    unknown.isUnreadable = true;
    const { correlationId } = unknown.charge;
    const processor = this.#name;
    this.#parts.log.warn('answer can not be read', { correlationId, processor, ...answered });
  }

  #settle(unknown: Unknown, held: Charge): void {
    const { clock, ring, processor, contradictions, log, writer } = this.#parts;
    const { slot, charge, sinceMs } = unknown;
    this.unknowns.end(unknown, false);
    if (unknown.duplicates > 0) this.#breaker.record('success');
    if (held.amountCents !== charge.amountCents) {
      contradictions.heldOtherwise(processor, charge, held);
    }
    ring.correct(slot, held.amountCents, held.requestedAtMs);
    const { correlationId } = charge;
    const afterMs = Math.round(clock.elapsed() - sinceMs);
    log.info('outcome known', { correlationId, processor: this.#name, afterMs });
    writer.add(slot);
  }
}
