// What happens to one payment: an attempt at one processor, and what its outcome means. The one file that decides.
//
//   queued ──pin──▶ at a processor ──charged──▶ settling ──▶ in the ledger, slot free
//     ▲                 │      └────unknown or duplicate──▶ to be reconciled, pinned until it is known
//     └─────failed──────┘   (failed again while others got through: set aside)

import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { News } from '../gateways/lane.ts';
import type { Answered, Outcome } from '../gateways/outcome.ts';
import type { Processor } from '../gateways/processor.ts';
import type { Routing } from '../gateways/routing.ts';
import type { Log } from '../log.ts';
import { processorName, type Charge, type ProcessorIndex } from '../payment.ts';
import { backoffMs } from './backoff.ts';
import type { Since } from './reconciler.ts';
import type { SetAside } from './set-aside.ts';

export interface AttemptParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly processors: readonly [Processor, Processor];
  readonly routing: Routing;
  readonly offCourse: {
    readonly setAside: SetAside;
    /** The pin's processor may hold the payment. */
    reconcile(slot: number, since: Since): void;
    /** A processor that had failed for a while works again. */
    workingAgain(processor: ProcessorIndex): void;
  };
  /** Its processor holds the payment, with the ring's values. */
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  readonly log: Log;
}

/** What an outcome says of the processor, when the payment never failed before. */
const NEWS: Readonly<Record<Outcome, News>> = {
  charged: 'works',
  // Whether it holds the payment is asked next.
  duplicate: 'nothing',
  busy: 'busy',
  declined: 'fails',
  refused: 'fails',
  unknown: 'fails',
};

/** A payment keeps its place in the queue for this many attempts. */
const DECLINES_IN_FRONT = 3;
/** A payment that failed so often while others got through is set aside (thrifty). */
const FAILURES_MAX = 2;
/** A processor that failed for less than this wasn't really away. */
const AWAY_MS = 1_000;

export class Attempts {
  readonly #parts: AttemptParts;
  readonly #failuresMax: number;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
    const { POLICY, RETRIES } = parts.config;
    // Under eager a payment is offered to both processors, with all retries, before that.
    this.#failuresMax = POLICY === 'eager' ? 2 * (RETRIES + 1) : FAILURES_MAX;
  }

  /** Sends the payment in `slot`, which is unpinned and in no queue. Rejects only when the journal fails. */
  async run(slot: number, processor: ProcessorIndex): Promise<void> {
    const { clock, ring, journal, processors, routing, offCourse } = this.#parts;
    ring.pin(slot, processor, clock.now());
    // In the journal before it can be at the processor: a crash from here on leaves a pinned payment.
    journal.pin(slot);
    const lane = routing.lanes[processor];
    const isProbe = lane.isFailing;
    const failingForMs = lane.failingForMs;
    const number = lane.sent();
    await journal.synced();
    const sentAtMs = clock.elapsed();
    const charge = chargeOf(ring, slot);
    const timeoutMs = routing.timeoutMs(processor);
    const answered = await processors[processor].charge(charge, timeoutMs);
    const { outcome } = answered;
    const news = NEWS[outcome];
    // A payment that failed there before may fail for what it is.
    const failedAt = ring.failedAt[slot] as number;
    const isNews = news === 'works' || (failedAt & (1 << processor)) === 0;
    ring.failedAt[slot] = failedAt | (1 << processor);
    lane.answered(number, clock.elapsed() - sentAtMs, isNews ? news : 'nothing');
    if (failingForMs >= AWAY_MS && !lane.isFailing) offCourse.workingAgain(processor);
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
    const { ring, offCourse, log, onCharged } = this.#parts;
    const { setAside } = offCourse;
    if (setAside.has(slot)) {
      const correlationId = ring.idText(slot);
      log.info('outcome known', {
        correlationId,
        processor: processorName(processor),
        outcome: 'charged',
      });
      setAside.forget(slot);
    }
    onCharged(slot, processor);
  }

  #unknown(slot: number, processor: ProcessorIndex, { outcome, status, said }: Answered): void {
    const { ring, routing, offCourse, log } = this.#parts;
    offCourse.setAside.forget(slot);
    if (!routing.lanes[processor].isFailing)
      ring.failures[slot] = (ring.failures[slot] as number) + 1;
    if (outcome === 'unknown') {
      const name = processorName(processor);
      log.warn('outcome unknown', { ...chargeOf(ring, slot), processor: name, status, said });
    }
    offCourse.reconcile(slot, outcome === 'duplicate' ? '422' : 'no answer');
  }

  /** Nothing of this attempt is stored: the payment may go anywhere again. */
  async #failed(
    slot: number,
    {
      processor,
      answered,
      isProbe,
    }: {
      readonly processor: ProcessorIndex;
      readonly answered: Answered;
      readonly isProbe: boolean;
    },
  ): Promise<void> {
    const { clock, ring, journal, routing, offCourse, log } = this.#parts;
    const { setAside } = offCourse;
    const isAlone = !routing.lanes[processor].isFailing;
    ring.unpin(slot);
    journal.hold(slot);
    // The next pin overwrites this one's pin: a power failure must not find both of the slot's cells half-written.
    await journal.synced();
    const declines = (ring.declines[slot] as number) + 1;
    ring.declines[slot] = declines;
    if (isAlone) ring.failures[slot] = (ring.failures[slot] as number) + 1;
    if (declines === 1) this.#tellFirst(slot, processor, answered);
    // What failed during an outage too counts once others get through: the outage may have been its
    // own.
    const failedAlone = (ring.failures[slot] as number) > 0 && declines >= this.#failuresMax;
    if (failedAlone) {
      if (!setAside.has(slot)) {
        const { correlationId, amountCents } = chargeOf(ring, slot);
        const name = processorName(processor);
        log.warn('payment set aside', { correlationId, amountCents, processor: name, ...answered });
      }
      setAside.add(slot, processor, answered);
      return;
    }
    const pauseMs = this.#backoffMs(declines);
    if (pauseMs > 0) await sleep(clock, pauseMs);
    // In an outage the payments keep their order. One that failed alone, or as a probe, goes behind
    // the others.
    if (!isAlone && !isProbe && declines < DECLINES_IN_FRONT) ring.enqueueFirst(slot);
    else ring.enqueue(slot);
  }

  #tellFirst(slot: number, processor: ProcessorIndex, { outcome, status, said }: Answered): void {
    const { correlationId, amountCents } = chargeOf(this.#parts.ring, slot);
    const name = processorName(processor);
    const details = { correlationId, amountCents, processor: name, outcome, status, said };
    this.#parts.log.warn('attempt failed', details);
  }

  /**
   * Before a payment that was declined `declines` times is queued again. The thrifty choice itself
   * waits.
   */
  #backoffMs(declines: number): number {
    const { POLICY, BACKOFF_FIRST_MS: firstMs, BACKOFF_NEXT_MS: nextMs } = this.#parts.config;
    return POLICY === 'eager' ? backoffMs(declines, { firstMs, nextMs }) : 0;
  }
}

export function chargeOf(ring: Ring, slot: number): Charge {
  return {
    correlationId: ring.idText(slot),
    amountCents: ring.amountCents[slot] as number,
    requestedAtMs: ring.requestedAtMs[slot] as number,
  };
}
