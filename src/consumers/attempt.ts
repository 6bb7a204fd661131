// What happens to one payment: an attempt at one processor, and what its outcome means. The one file that decides.
//
//   queued ──pin──▶ at a processor ──charged──▶ settling ──▶ in the ledger, slot free
//     ▲                 │      └────unknown or duplicate──▶ to be reconciled, pinned until it is known
//     └─────failed──────┘   (failed again while others got through: set aside)

import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Lane, News } from '../gateways/lane.ts';
import type { Answered, Outcome } from '../gateways/outcome.ts';
import type { Processor } from '../gateways/processor.ts';
import type { Log } from '../log.ts';
import { processorName, type Charge, type ProcessorIndex } from '../payment.ts';
import type { SetAside } from './set-aside.ts';

export interface AttemptParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly processors: readonly [Processor, Processor];
  readonly lanes: readonly [Lane, Lane];
  readonly setAside: SetAside;
  /** A payment is set aside when it failed so often while others got through. */
  readonly failuresMax: number;
  /** How long to wait for an answer now. */
  readonly timeoutMs: (processor: ProcessorIndex) => number;
  /** Before a payment that was declined `declines` times is queued again. */
  readonly backoffMs: (declines: number) => number;
  /** Its processor holds the payment, with the ring's values. */
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /** Its processor may hold the payment; `isDuplicate`: it answered 422. */
  readonly onUnknown: (slot: number, isDuplicate: boolean) => void;
  /** A processor that had failed for a while works again. */
  readonly onWorkingAgain: (processor: ProcessorIndex) => void;
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
/** A processor that failed for less than this wasn't really away. */
const AWAY_MS = 1_000;

export class Attempts {
  readonly #parts: AttemptParts;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** Sends the payment in `slot`, which is unpinned and in no queue. Rejects only when the journal fails. */
  async run(slot: number, processor: ProcessorIndex): Promise<void> {
    const { clock, ring, journal, processors, lanes, timeoutMs } = this.#parts;
    ring.pin(slot, processor, clock.now());
    // In the journal before it can be at the processor: a crash from here on leaves a pinned payment.
    journal.pin(slot);
    const lane = lanes[processor];
    const isProbe = lane.isFailing;
    const failingForMs = lane.failingForMs;
    const number = lane.sent();
    await journal.synced();
    const sentAtMs = clock.elapsed();
    const charge = chargeOf(ring, slot);
    const answered = await processors[processor].charge(charge, timeoutMs(processor));
    const { outcome } = answered;
    const news = NEWS[outcome];
    // A payment that failed before may fail for what it is.
    const isNews = news === 'works' || ring.failures[slot] === 0;
    lane.answered(number, clock.elapsed() - sentAtMs, isNews ? news : 'nothing');
    if (failingForMs >= AWAY_MS && !lane.isFailing) this.#parts.onWorkingAgain(processor);
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
    const { ring, setAside, log, onCharged } = this.#parts;
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
    const { ring, lanes, setAside, log, onUnknown } = this.#parts;
    setAside.forget(slot);
    if (!lanes[processor].isFailing) ring.failures[slot] = (ring.failures[slot] as number) + 1;
    if (outcome === 'unknown') {
      const name = processorName(processor);
      log.warn('outcome unknown', { ...chargeOf(ring, slot), processor: name, status, said });
    }
    onUnknown(slot, outcome === 'duplicate');
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
    const { clock, ring, journal, lanes, setAside, failuresMax, backoffMs, log } = this.#parts;
    const isAlone = !lanes[processor].isFailing;
    ring.unpin(slot);
    journal.hold(slot);
    // The next pin overwrites this one's pin: a power failure must not find both of the slot's cells half-written.
    await journal.synced();
    const declines = (ring.declines[slot] as number) + 1;
    ring.declines[slot] = declines;
    if (isAlone) ring.failures[slot] = (ring.failures[slot] as number) + 1;
    if ((ring.failures[slot] as number) >= failuresMax) {
      if (!setAside.has(slot)) {
        const { correlationId, amountCents } = chargeOf(ring, slot);
        const name = processorName(processor);
        log.warn('payment set aside', { correlationId, amountCents, processor: name, ...answered });
      }
      setAside.add(slot, processor, answered);
      return;
    }
    const pauseMs = backoffMs(declines);
    if (pauseMs > 0) await sleep(clock, pauseMs);
    // In an outage the payments keep their order. One that failed alone, or as a probe, goes behind the others.
    if (!isAlone && !isProbe && declines < DECLINES_IN_FRONT) ring.enqueueFirst(slot);
    else ring.enqueue(slot);
  }
}

export function chargeOf(ring: Ring, slot: number): Charge {
  return {
    correlationId: ring.idText(slot),
    amountCents: ring.amountCents[slot] as number,
    requestedAtMs: ring.requestedAtMs[slot] as number,
  };
}
