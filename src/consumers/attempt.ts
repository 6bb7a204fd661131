// An attempt: one payment is sent to one processor, and its outcome decides where it goes next.
//
//   queued ──pin──▶ at a processor ──charged──▶ batch writer
//     ▲                 │      └────unknown, duplicate──▶ reconciler, pinned until it is known
//     └─────failed──────┘   (failed again, at least once alone: set aside)

import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Signal } from '../gateways/circuit-breaker.ts';
import type { AttemptResult, Outcome } from '../gateways/outcome.ts';
import type { Routing } from '../gateways/routing.ts';
import type { Log } from '../log/log.ts';
import { Histogram } from '../histogram.ts';
import { processorName, type ProcessorIndex } from '../payment.ts';
import type { Ports } from '../ports.ts';
import type { BatchWriter } from '../settlement/batch-writer.ts';
import { DeclinedAnswers } from './declined-answers.ts';
import type { Reconcilers } from './reconcilers.ts';
import type { SendingRate } from './sending-rate.ts';
import { SetAside } from './set-aside.ts';

export interface AttemptParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** The journal fails. */
  readonly onFatal: (error: unknown) => void;
  readonly processors: Ports['processors'];
  readonly ring: Ring;
  readonly journal: Journal;
  readonly routing: Routing;
  readonly writer: BatchWriter;
  readonly reconcilers: Reconcilers;
  readonly sendingRate: SendingRate;
}

/** `status` is 0 if no answer came. */
type LatestFailure = Pick<AttemptResult, 'outcome' | 'status'> | undefined;

/** What an outcome says of the processor, when the payment never failed there before. */
const SIGNALS: Readonly<Record<Outcome, Signal>> = {
  charged: 'success',
  // Whether it holds the payment is asked next.
  duplicate: 'none',
  busy: 'busy',
  declined: 'failure',
  refused: 'failure',
  unknown: 'failure',
};

/** A declined payment keeps its place in the queue for so many attempts. */
const DECLINES_IN_FRONT = 3;
/** So many declined attempts of a payment let another attempt start, whatever CPU is left. */
const DECLINES_EARNING = 3;
/** A payment that failed so often, at least once alone, is set aside (thrifty). */
const FAILURES_MAX = 2;
/** A processor that failed for less than this was not away. */
const AWAY_MS = 1_000;

export class Attempts {
  readonly setAside: SetAside;
  /** Attempts since the start, by processor and outcome, and how long they took. */
  readonly ended = [countsByOutcome(), countsByOutcome()] as const;
  readonly durations = [new Histogram(), new Histogram()] as const;
  /** By processor, since its latest charge; undefined without one. */
  readonly latestFailure: [LatestFailure, LatestFailure] = [undefined, undefined];
  readonly declinedAnswers: DeclinedAnswers;
  readonly #parts: AttemptParts;
  readonly #failuresMax: number;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
    this.declinedAnswers = new DeclinedAnswers(parts.ring);
    this.setAside = new SetAside({ ...parts, attempts: this });
    const { POLICY, RETRIES } = parts.config;
    // Under eager a payment is offered to both processors, with all retries, before that.
    this.#failuresMax = POLICY === 'eager' ? 2 * (RETRIES + 1) : FAILURES_MAX;
  }

  /** Sends the payment in `slot`, which is unpinned and in no queue. Never rejects. */
  run(slot: number, processor: ProcessorIndex): Promise<void> {
    return this.#send(slot, processor).catch(this.#parts.onFatal);
  }

  /**
   * A processor works again after an outage: payments that wait for longer pauses are tried now.
   */
  workingAgain(processor: ProcessorIndex): void {
    this.setAside.hurry();
    this.#parts.reconcilers.hurry(processor);
  }

  /** Rejects only when the journal fails. */
  async #send(slot: number, processor: ProcessorIndex): Promise<void> {
    const { clock, ring, journal, processors, routing } = this.#parts;
    ring.pin(slot, processor, clock.now());
    // Before the request leaves: a crash from here on leaves a pinned payment.
    journal.pin(slot);
    const breaker = routing.breakers[processor];
    const isProbe = breaker.isFailing;
    const failingForMs = breaker.failingForMs;
    const number = breaker.sent();
    await journal.synced();
    const sentAtMs = clock.elapsed();
    const charge = ring.chargeOf(slot);
    const timeoutMs = routing.timeoutMs(processor);
    const answered = await processors[processor].charge(charge, timeoutMs);
    const { outcome } = answered;
    const signal = SIGNALS[outcome];
    // A second failure there may be the payment's own, so it says nothing about the processor.
    const failedAt = ring.failedAt[slot] as number;
    const counts = signal === 'success' || (failedAt & (1 << processor)) === 0;
    ring.failedAt[slot] = failedAt | (1 << processor);
    const tookMs = clock.elapsed() - sentAtMs;
    breaker.ended(number, tookMs, counts ? signal : 'none');
    this.ended[processor][outcome]++;
    this.durations[processor].observeMs(tookMs);
    if (failingForMs >= AWAY_MS && !breaker.isFailing) this.workingAgain(processor);
    this.latestFailure[processor] = failureOf(answered);
    switch (outcome) {
      case 'charged':
        this.#charged(slot, processor);
        break;
      case 'declined':
      case 'busy':
      case 'refused':
        await this.#failed(slot, { processor, answered, isProbe });
        break;
      case 'duplicate':
      case 'unknown':
        this.#unknown(slot, processor, answered);
        break;
    }
  }

  #charged(slot: number, processor: ProcessorIndex): void {
    const { ring, log, writer } = this.#parts;
    if (this.setAside.has(slot)) {
      const correlationId = ring.idText(slot);
      log.info('outcome known', {
        correlationId,
        processor: processorName(processor),
        outcome: 'charged',
      });
      this.setAside.remove(slot);
    }
    writer.add(slot);
  }

  #unknown(
    slot: number,
    processor: ProcessorIndex,
    { outcome, status, excerpt: said }: AttemptResult,
  ): void {
    const { ring, routing, reconcilers, log } = this.#parts;
    this.setAside.remove(slot);
    const isAlone = !routing.breakers[processor].isFailing;
    if (isAlone) ring.failures[slot] = (ring.failures[slot] as number) + 1;
    if (outcome === 'unknown') {
      const name = processorName(processor);
      log.warn('outcome unknown', { ...ring.chargeOf(slot), processor: name, status, said });
    }
    reconcilers.add(slot, outcome === 'duplicate' ? '422' : 'no answer');
  }

  /** The processor stored nothing: the payment may go to either processor. */
  async #failed(
    slot: number,
    {
      processor,
      answered,
      isProbe,
    }: {
      readonly processor: ProcessorIndex;
      readonly answered: AttemptResult;
      readonly isProbe: boolean;
    },
  ): Promise<void> {
    const { clock, ring, journal, routing } = this.#parts;
    const { setAside } = this;
    // Its processor is not known to fail. So others get through there, or an outage begins with it.
    const isAlone = !routing.breakers[processor].isFailing;
    ring.unpin(slot);
    journal.hold(slot);
    // The next pin overwrites the cell of this one: a power failure must not find both of the
    // slot's cells half-written.
    await journal.synced();
    const declines = (ring.declines[slot] as number) + 1;
    ring.declines[slot] = declines;
    this.declinedAnswers.note(slot, processor, answered);
    if (isAlone) ring.failures[slot] = (ring.failures[slot] as number) + 1;
    if (declines === 1) this.#warn('attempt failed', slot, processor, answered);
    // Failures during an outage count as well once the outage is over: this payment may have caused
    // it.
    const failedAlone = (ring.failures[slot] as number) > 0 && declines >= this.#failuresMax;
    if (failedAlone) {
      if (!setAside.has(slot)) this.#warn('payment set aside', slot, processor, answered);
      setAside.add(slot, processor, answered);
      return;
    }
    const pauseMs = this.#backoffMs(declines);
    if (pauseMs > 0) await sleep(clock, pauseMs);
    if (declines <= DECLINES_EARNING) this.#parts.sendingRate.queued();
    // In an outage payments keep their order. A payment that failed alone, or as a probe, goes to
    // the end of the queue.
    if (!isAlone && !isProbe && declines < DECLINES_IN_FRONT) ring.enqueueFirst(slot);
    else ring.enqueue(slot);
  }

  #warn(
    event: string,
    slot: number,
    processor: ProcessorIndex,
    { outcome, status, excerpt: said }: AttemptResult,
  ): void {
    const { correlationId, amountCents } = this.#parts.ring.chargeOf(slot);
    const name = processorName(processor);
    const details = { correlationId, amountCents, processor: name, outcome, status, said };
    this.#parts.log.warn(event, details);
  }

  /** The pause before a payment is queued again. Under thrifty the choice of a processor waits. */
  #backoffMs(declines: number): number {
    const { POLICY, BACKOFF_FIRST_MS, BACKOFF_NEXT_MS } = this.#parts.config;
    if (POLICY !== 'eager') return 0;
    return declines === 1 ? BACKOFF_FIRST_MS : BACKOFF_NEXT_MS;
  }
}

function failureOf({ outcome, status }: AttemptResult): LatestFailure {
  return outcome === 'charged' ? undefined : { outcome, status };
}

function countsByOutcome(): Record<Outcome, number> {
  return { charged: 0, duplicate: 0, declined: 0, busy: 0, refused: 0, unknown: 0 };
}
