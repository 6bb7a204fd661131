// What happens to one payment: an attempt at one processor, and what its outcome means. The one file that decides.
//
//   queued ──pin──▶ at a processor ──charged──▶ settling ──▶ in the ledger, slot free
//     ▲                 │      └────unknown or duplicate──▶ to be reconciled, pinned until it is known
//     └─declined, refused┘   (refused again: set aside for a while)

import { sleep, type Clock } from '../clock.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Journal } from '../buffer/journal.ts';
import type { Lane, News } from '../gateways/lane.ts';
import type { Outcome } from '../gateways/outcome.ts';
import type { Processor } from '../gateways/processor.ts';
import type { Log } from '../log.ts';
import type { Charge, ProcessorIndex } from '../payment.ts';
import { doublingMs } from './backoff.ts';

export interface AttemptParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly processors: readonly [Processor, Processor];
  readonly lanes: readonly [Lane, Lane];
  /** How long to wait for an answer now. */
  readonly timeoutMs: (processor: ProcessorIndex) => number;
  /** Before a payment that was declined `declines` times is queued again. */
  readonly backoffMs: (declines: number) => number;
  /** Its processor holds the payment, with the ring's values. */
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /** Its processor may hold the payment. */
  readonly onUnknown: (slot: number) => void;
  /** To the end of the queue with a payment that was set aside. */
  readonly enqueue: (slot: number) => void;
  readonly log: Log;
}

/** What an outcome tells of the processor. */
const NEWS: Readonly<Record<Outcome, News>> = {
  charged: 'works',
  duplicate: 'works',
  busy: 'busy',
  declined: 'fails',
  // It may be that the processor refuses all of them.
  refused: 'fails',
  unknown: 'fails',
};

/** A payment keeps its place in the queue for this many attempts. */
const DECLINES_IN_FRONT = 3;
/** One that is refused more than once is set aside for longer and longer: it must not make a processor look failing for all others. */
const ASIDE_FIRST_MS = 1_000;
const ASIDE_MAX_MS = 30_000;

export class Attempts {
  /** Payments that are set aside. */
  aside = 0;
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
    const number = lane.sent();
    await journal.synced();
    const sentAtMs = clock.elapsed();
    const charge = chargeOf(ring, slot);
    const { outcome } = await processors[processor].charge(charge, timeoutMs(processor));
    const isAgain = outcome === 'refused' && (ring.refusals[slot] as number) > 0;
    lane.answered(number, clock.elapsed() - sentAtMs, isAgain ? 'nothing' : NEWS[outcome]);
    switch (outcome) {
      case 'charged':
        this.#parts.onCharged(slot, processor);
        break;
      case 'declined':
      case 'busy':
        await this.#giveBack(slot);
        break;
      case 'refused':
        await this.#setAside(slot, processor);
        break;
      case 'duplicate':
      case 'unknown':
        this.#parts.onUnknown(slot);
        break;
    }
  }

  async #giveBack(slot: number): Promise<void> {
    const { clock, ring, backoffMs } = this.#parts;
    const declines = await this.#unpin(slot);
    const pauseMs = backoffMs(declines);
    if (pauseMs > 0) await sleep(clock, pauseMs);
    // One that is declined again and again mustn't stand in the way of all others, which may be fine.
    if (declines < DECLINES_IN_FRONT) ring.enqueueFirst(slot);
    else ring.enqueue(slot);
  }

  /** The first time only behind the others: who was refused may be the probe of a processor that refuses everybody. */
  async #setAside(slot: number, processor: ProcessorIndex): Promise<void> {
    const { clock, ring, enqueue, log } = this.#parts;
    await this.#unpin(slot);
    const refusals = (ring.refusals[slot] as number) + 1;
    ring.refusals[slot] = refusals;
    if (refusals === 1) return ring.enqueue(slot);
    if (refusals === 2) log.warn('payment is refused', { ...chargeOf(ring, slot), processor });
    // Without a consumer meanwhile: there may be many of them.
    this.aside++;
    clock.after(doublingMs(refusals - 2, ASIDE_FIRST_MS, ASIDE_MAX_MS), () => {
      this.aside--;
      enqueue(slot);
    });
  }

  /** The payment may go anywhere again; how often it was declined. */
  async #unpin(slot: number): Promise<number> {
    const { ring, journal } = this.#parts;
    ring.unpin(slot);
    journal.hold(slot);
    // The next pin overwrites this one's pin: a power failure must not find both of the slot's cells half-written.
    await journal.synced();
    const declines = (ring.declines[slot] as number) + 1;
    ring.declines[slot] = declines;
    return declines;
  }
}

export function chargeOf(ring: Ring, slot: number): Charge {
  return {
    correlationId: ring.idText(slot),
    amountCents: ring.amountCents[slot] as number,
    requestedAtMs: ring.requestedAtMs[slot] as number,
  };
}
