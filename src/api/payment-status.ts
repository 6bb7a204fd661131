// What is known of one payment: of this instance's ring, of the ledger, and of the other instances.

import type { Engine } from '../engine.ts';
import type { PaymentStatus, Peer } from '../gateways/peer.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { entriesById, idFromText, isGivenUp, processorName, type LedgerEntry } from '../payment.ts';

export interface PaymentStatusParts {
  readonly instance: number;
  readonly engine: Engine;
  readonly ledger: Pick<Ledger, 'find'>;
  /** All instances in order, this one included. */
  readonly peers: readonly Peer[];
}

/** For a peer's answer. */
const PEER_MS = 1_000;
/** Questions under way; more are refused. Each may cost the ledger a read. */
const QUESTIONS_MAX = 20;

const timeOf = (ms: number): string => new Date(ms).toISOString();

function statusOfEntry(entry: LedgerEntry): PaymentStatus {
  const { correlationId, amountCents } = entry;
  if (isGivenUp(entry)) {
    const { givenUpAtMs, mayBeCharged } = entry;
    const givenUpAt = timeOf(givenUpAtMs);
    return { correlationId, state: 'given up', amountCents, givenUpAt, mayBeCharged };
  }
  const processor = processorName(entry.processor);
  const requestedAt = timeOf(entry.requestedAtMs);
  return { correlationId, state: 'settled', amountCents, processor, requestedAt };
}

export class PaymentStatuses {
  readonly #parts: PaymentStatusParts;
  #questions = 0;

  constructor(parts: PaymentStatusParts) {
    this.#parts = parts;
  }

  /** A payment in this instance's ring; undefined if the id isn't there. */
  held(correlationId: string): PaymentStatus | undefined {
    const { ring } = this.#parts.engine;
    const id = idFromText(correlationId);
    const slot = id === undefined ? -1 : ring.find(id);
    return slot < 0 ? undefined : this.ofSlot(slot);
  }

  /** The payment that this instance has in `slot`. */
  ofSlot(slot: number): PaymentStatus {
    const { instance, engine } = this.#parts;
    const { ring, stages, reconcilers, attempts } = engine;
    const pin = ring.pinOf(slot);
    const { correlationId, amountCents, requestedAtMs } = ring.chargeOf(slot);
    const unknown = reconcilers.find(slot);
    const failure = attempts.declinedAnswers.of(slot);
    const lastAnswer =
      unknown === undefined || pin === -1
        ? failure && { ...failure, processor: processorName(failure.processor) }
        : { processor: processorName(pin), outcome: 'unknown', status: unknown.answered.status };
    return {
      correlationId,
      state: stages.of(slot),
      amountCents,
      ...(pin === -1 ? {} : { processor: processorName(pin) }),
      ...(requestedAtMs === 0 ? {} : { requestedAt: timeOf(requestedAtMs) }),
      acceptedAt: timeOf(ring.acceptedAtMs[slot] as number),
      instance,
      attempts: (ring.declines[slot] as number) + (pin === -1 ? 0 : 1 + (unknown?.resends ?? 0)),
      ...(unknown === undefined ? {} : { unknown: true }),
      ...(lastAnswer === undefined ? {} : { lastAnswer }),
    };
  }

  /**
   * The payment wherever it is; 'absent' if nobody has seen it, or not since the last purge.
   * @throws if the ledger or an instance doesn't answer and the payment isn't elsewhere, or while
   * too many are asked about
   */
  async anywhere(correlationId: string): Promise<PaymentStatus | 'absent'> {
    if (this.#questions >= QUESTIONS_MAX) throw new Error('too many questions at once');
    this.#questions++;
    try {
      return await this.#find(correlationId);
    } finally {
      this.#questions--;
    }
  }

  async #find(correlationId: string): Promise<PaymentStatus | 'absent'> {
    const { instance, ledger, peers } = this.#parts;
    const here = this.held(correlationId);
    if (here !== undefined) return here;
    const others = peers.filter((_, number) => number !== instance);
    const told = await Promise.all(others.map((peer) => peer.payment(correlationId, PEER_MS)));
    const there = told.find((status) => typeof status === 'object');
    if (there !== undefined) return there;
    const found = entriesById(await ledger.find([correlationId.toLowerCase()]));
    for (const entry of found.values()) return statusOfEntry(entry);
    if (told.includes('unknown')) throw new Error('another instance does not answer');
    return 'absent';
  }
}
