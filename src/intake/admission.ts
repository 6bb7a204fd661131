// Admission: whether a payment is taken, and where it goes first.
//
//   clear ────────────────────────────────▶ held, queued
//   ask ──▶ ledger: settled ──▶ repeated or conflict
//             ├─ not settled ─▶ held, queued (if it may be known all the same: in doubt)
//             ├─ given up by an operator: refused
//             └─ no answer ───▶ held, verified later (the verifier asks before it is queued)
//   foreign ▶ its owner's answer
//             └─ no answer ───▶ held, handed over later (only the owner ever sends it)
//   handed over in doubt ─▶ the same, but what is held is verified, and then in doubt
//
// An id that is live in the ring, or settled, is a repeat: the same amount is accepted and queues
// nothing, another amount is a conflict. Either answer waits until the journal has what it is
// about.

import type { BloomFilter } from '../buffer/bloom-filter.ts';
import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Recovering } from '../buffer/recovering.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Config } from '../config/config.ts';
import type { Dispatcher } from '../consumers/dispatcher.ts';
import type { SettledLookup } from '../ledger/settled-lookup.ts';
import { idToText, ownerOf, type IdWords } from '../payment.ts';
import type { Admitted, Bar, Refusal } from './admitted.ts';
import type { HandOvers } from './hand-over.ts';
import type { InDoubt } from './in-doubt.ts';
import type { Verifier } from './verifier.ts';

/**
 * Whose payments are taken.
 * - peers: a purge waits until nothing is under way, and what others hold for this instance is.
 * - purging, stopping: nobody's.
 */
type OpenTo = 'all' | 'peers' | 'purging' | 'stopping';

export interface AdmissionParts {
  readonly config: Pick<Config, 'LEDGER_DURABILITY'>;
  readonly instance: number;
  readonly instances: number;
  readonly ring: Ring;
  readonly held: HeldPayments;
  readonly recovering: Recovering;
  readonly settledIds: BloomFilter;
  readonly lookup: SettledLookup;
  readonly dispatcher: Dispatcher;
  readonly verifier: Verifier;
  readonly inDoubt: InDoubt;
  readonly handOvers: HandOvers;
}

/** Where a payment goes once it is held. 'doubted': to the verifier, and then it is in doubt. */
type Next = 'queue' | 'verifier' | 'in doubt' | 'doubted' | 'hand-over';

export class Admission {
  openTo: OpenTo = 'all';
  bar: Bar | undefined;
  /** What the ledger or another instance says, while instances disagree. */
  barReason = '';
  /** The journal is a table, and its commits wait for no standby. */
  isOnOneDisk = false;
  /** Answers to clients and peers since the start, by kind. */
  readonly answers: Record<Admitted | 'invalid', number> = {
    accepted: 0,
    repeated: 0,
    conflict: 0,
    'given up': 0,
    foreign: 0,
    full: 0,
    broken: 0,
    late: 0,
    unsafe: 0,
    purging: 0,
    stopping: 0,
    disagreeing: 0,
    draining: 0,
    // The body was no payment.
    invalid: 0,
  };
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** What is committed now is on one disk, and must be on two. */
  get isUnsafe(): boolean {
    return this.isOnOneDisk && this.#parts.config.LEDGER_DURABILITY === 'require';
  }

  /** Answers other than 202, since the start. */
  get refused(): number {
    const { accepted, repeated } = this.answers;
    return Object.values(this.answers).reduce((sum, count) => sum + count) - accepted - repeated;
  }

  /**
   * `id` is only read during the call. `fromPeer`: another instance hands the payment over, so it
   * isn't offered on; `isInDoubt`: and a processor may hold it. @throws when the disk fails
   */
  admit(
    id: IdWords,
    amountCents: number,
    fromPeer: boolean,
    isInDoubt = false,
  ): Admitted | Promise<Admitted> {
    const verdict = this.#judge(id, amountCents);
    switch (verdict) {
      case 'clear':
        return this.#hold(id, amountCents, isInDoubt ? 'doubted' : 'queue', fromPeer);
      case 'repeated':
      case 'conflict':
        return this.#whenSynced(verdict);
      case 'ask':
        return this.#ask(id.slice(), amountCents, fromPeer, isInDoubt);
      case 'foreign':
        return fromPeer ? 'foreign' : this.#handOver(id.slice(), amountCents);
    }
  }

  /** Whether the payment may be held and sent at once, or what stands against that. */
  #judge(id: IdWords, amountCents: number): 'clear' | 'repeated' | 'conflict' | 'foreign' | 'ask' {
    const { ring, settledIds, instance, instances } = this.#parts;
    const live = ring.find(id);
    if (live >= 0) return ring.amountCents[live] === amountCents ? 'repeated' : 'conflict';
    if (instances > 1 && ownerOf(id, instances) !== instance) return 'foreign';
    return settledIds.complete && !settledIds.mayHave(id) ? 'clear' : 'ask';
  }

  async #ask(
    id: IdWords,
    amountCents: number,
    fromPeer: boolean,
    isInDoubt: boolean,
  ): Promise<Admitted> {
    const { lookup, settledIds } = this.#parts;
    const wasKnown = settledIds.mayHave(id);
    const settled = await lookup.cents(idToText(id));
    if (settled === 'given up') return settled;
    if (typeof settled === 'number') return settled === amountCents ? 'repeated' : 'conflict';
    // The same id was brought again and settled meanwhile: the answer may be older than that.
    if (!wasKnown && settledIds.mayHave(id)) return this.#ask(id, amountCents, fromPeer, isInDoubt);
    const next = settled === 'unknown' ? 'verifier' : wasKnown ? 'in doubt' : 'queue';
    return this.#holdAfterWait(id, amountCents, isInDoubt ? 'doubted' : next, fromPeer);
  }

  async #handOver(id: IdWords, amountCents: number): Promise<Admitted> {
    const { instances, handOvers, verifier } = this.#parts;
    // What isn't taken here isn't offered to its owner either.
    const refusal = this.#refusal(false);
    if (refusal !== undefined) return refusal;
    const offered = await handOvers.offer(ownerOf(id, instances), idToText(id), amountCents);
    if (offered !== 'away') return offered;
    // Payments that a restart found may belong to others, too.
    if (!handOvers.hasRoomBeside(verifier.pending)) return 'full';
    return this.#holdAfterWait(id, amountCents, 'hand-over', false);
  }

  /** Others may have brought the same id while this one waited. */
  #holdAfterWait(
    id: IdWords,
    amountCents: number,
    next: Next,
    fromPeer: boolean,
  ): Admitted | Promise<Admitted> {
    const verdict = this.#judge(id, amountCents);
    if (verdict === 'conflict' || verdict === 'repeated') return this.#whenSynced(verdict);
    return this.#hold(id, amountCents, next, fromPeer);
  }

  #hold(
    id: IdWords,
    amountCents: number,
    next: Next,
    fromPeer: boolean,
  ): Admitted | Promise<Admitted> {
    const refusal = this.#refusal(fromPeer);
    if (refusal !== undefined) return refusal;
    if (this.isUnsafe) return 'unsafe';
    const { held, recovering, dispatcher, verifier, inDoubt, handOvers } = this.#parts;
    const slot = held.hold(id, amountCents, next === 'doubted');
    if (typeof slot === 'string') return slot;
    switch (next) {
      case 'queue':
        dispatcher.enqueue(slot);
        break;
      case 'verifier':
        verifier.add(slot);
        break;
      case 'in doubt':
        inDoubt.add(slot);
        break;
      case 'doubted':
        // As with what a restart finds in doubt, its charge may be acknowledged, or on its way.
        recovering.add(slot);
        inDoubt.distrustAbsence();
        verifier.add(slot);
        break;
      case 'hand-over':
        handOvers.add(slot);
        break;
    }
    return this.#whenSynced('accepted');
  }

  /** Why nothing is held now, of another instance (`fromPeer`) or a client. */
  #refusal(fromPeer: boolean): Refusal | undefined {
    if (this.bar === 'disagreeing' || (this.bar === 'draining' && !fromPeer)) return this.bar;
    switch (this.openTo) {
      case 'all':
        return undefined;
      case 'peers':
        return fromPeer ? undefined : 'purging';
      case 'purging':
      case 'stopping':
        return this.openTo;
    }
  }

  #whenSynced(answer: Admitted): Admitted | Promise<Admitted> {
    // A repeat, of what is perhaps on one disk alone.
    if (this.isUnsafe) return 'unsafe';
    const safe = this.#parts.held.isSafeSoon();
    return safe?.then((isSafe) => (isSafe ? answer : 'late')) ?? answer;
  }
}
