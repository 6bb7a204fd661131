// Hand-over: payments that another instance owns, and that were accepted here while it was away, go
// to it as soon as it is back. Only the owner of an id ever sends it to a processor, so two
// instances never can.
//
// A payment in doubt is handed over with its doubt: the owner may have sent it, and forgotten that.

import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Ring } from '../buffer/ring.ts';
import { SlotQueue } from '../buffer/slot-queue.ts';
import { NO_DOUBT } from '../buffer/slot-state.ts';
import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';
import type { Offered, Ports } from '../ports.ts';
import type { Contradictions } from '../settlement/contradictions.ts';

export interface HandOverParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly instances: number;
  readonly ring: Ring;
  readonly held: HeldPayments;
  readonly offer: Ports['offer'];
  readonly contradictions: Contradictions;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 500;
/**
 * Held payments that are offered to one instance at once, and clients' payments beside them.
 * Together as many as there are connections to it (gateways/peer-address.ts).
 */
const AT_ONCE = 8;

/** What is known of another instance, and what is meant for it. */
interface Owner {
  readonly index: number;
  readonly queue: SlotQueue;
  /** Held payments that are being handed over. */
  deliveries: number;
  /** Clients' payments that were offered and have no answer yet. */
  offers: number;
  /** The latest offer had no answer, or the owner couldn't hold the payment. */
  isAway: boolean;
}

/** Has a queue for each instance: an instance that is away delays no payment of another. */
export class HandOvers {
  readonly #parts: HandOverParts;
  readonly #owners: readonly Owner[];
  #stopped = false;

  constructor(parts: HandOverParts) {
    this.#parts = parts;
    const { instances, ring } = parts;
    this.#owners = Array.from({ length: instances }, (_, index) => ({
      index,
      queue: new SlotQueue(ring.slots),
      deliveries: 0,
      offers: 0,
      isAway: false,
    }));
  }

  get pending(): number {
    return this.#owners.reduce((sum, { queue, deliveries }) => sum + queue.length + deliveries, 0);
  }

  /**
   * Whether one more payment of another instance may be held. Half of the slots stay for payments
   * that this instance owns: two instances full of each other's payments would wait for each other
   * for ever. `others`: held payments that may belong to others, too.
   */
  hasRoomBeside(others: number): boolean {
    return this.pending + others < Math.floor(this.#parts.ring.slots / 2);
  }

  /**
   * Offers a client's payment to its owner. Answers 'away' at once while the owner is away and held
   * payments wait for it, or while AT_ONCE others are being offered. If each payment waited for an
   * answer, two instances that were slow for a moment would keep each other slow.
   */
  async offer(owner: number, correlationId: string, amountCents: number): Promise<Offered> {
    const to = this.#owners[owner] as Owner;
    const isWaitedFor = to.isAway && to.queue.length + to.deliveries > 0;
    if (isWaitedFor || to.offers >= AT_ONCE) return 'away';
    to.offers++;
    const offered = await this.#offer(to, correlationId, amountCents, false);
    to.offers--;
    return offered;
  }

  /** Hands a held payment over to its owner, as soon as that one takes it. */
  add(slot: number): void {
    const { ring, instances } = this.#parts;
    const to = this.#owners[ring.ownerOf(slot, instances)] as Owner;
    to.queue.push(slot);
    this.#deliverMore(to);
  }

  /** The payments that are left stay in the journal. */
  stop(): void {
    this.#stopped = true;
  }

  /** An owner that is away is offered no further payment. */
  #deliverMore(to: Owner): void {
    while (!this.#stopped && to.deliveries < (to.isAway ? 1 : AT_ONCE)) {
      const slot = to.queue.shift();
      if (slot < 0) return;
      to.deliveries++;
      void this.#deliver(slot, to);
    }
  }

  async #deliver(slot: number, to: Owner): Promise<void> {
    const { clock, log, ring, held, contradictions } = this.#parts;
    for (let tries = 0; !this.#stopped; tries++) {
      const cents = ring.amountCents[slot] as number;
      const isInDoubt = ring.doubt[slot] !== NO_DOUBT;
      const offered = await this.#offer(to, ring.idText(slot), cents, isInDoubt);
      if (offered === 'conflict') contradictions.ownedOtherwise(slot);
      if (offered === 'given up') log.warn('payment given up', { ...ring.chargeOf(slot) });
      if (offered !== 'away') {
        held.release(slot, 'not settled');
        break;
      }
      await sleep(clock, doublingMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS));
    }
    to.deliveries--;
    this.#deliverMore(to);
  }

  async #offer(to: Owner, id: string, cents: number, isInDoubt: boolean): Promise<Offered> {
    const offered = await this.#parts.offer(to.index, id, cents, isInDoubt);
    to.isAway = offered === 'away';
    return offered;
  }
}
