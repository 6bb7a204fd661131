// Intake: what takes payments into the ring and its journal, and lets them go again.
//
// An id that is live in the ring, or settled, is a repeat: the same amount is fine and queues nothing, another one is a
// conflict. What the memory of settled ids can't rule out has to be asked of the ledger first.

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';
import { ownerOf, type IdWords } from '../payment.ts';
import type { Journal } from './journal.ts';
import type { Ring } from './ring.ts';
import type { SettledFilter } from './settled-filter.ts';

/** What an instance that is not open answers. */
export type Refusal = 'purging' | 'stopping' | Bar;

/**
 * What stands against taking payments, purges aside.
 * - disagreeing: the ledger or another instance says something else of this one's place.
 * - draining: the number of instances is about to change; what others hold for us is taken.
 */
export type Bar = 'disagreeing' | 'draining';

/** - full: no slot is free. - purging: not before a purge is over. - broken: the journal can't be written. */
export type Held = 'accepted' | 'full' | 'broken' | Refusal;

/**
 * Whose payments are held.
 * - peers: a purge waits until nothing is under way, and what others hold for us still is.
 * - purging, stopping: nobody's.
 */
type OpenTo = 'all' | 'peers' | 'purging' | 'stopping';

export interface IntakeParts {
  readonly ring: Ring;
  readonly journal: Journal;
  readonly settled: SettledFilter;
  readonly clock: Clock;
  readonly instance: number;
  readonly instances: number;
  readonly log: Log;
}

export class Intake {
  accepted = 0;
  openTo: OpenTo = 'all';
  bar: Bar | undefined;
  readonly #parts: IntakeParts;
  /** Of the journal; each payment that was refused because it can't be written is a failure. */
  readonly #outage: Outage;
  /** A slot whose payment was refused because its write failed: some of it may be on the disk, or all. -1 when there is none. */
  #dubious = -1;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const [begins, ends] = ['journal fails', 'journal works again'];
    this.#outage = new Outage({ ...parts, begins, ends, isError: () => true });
  }

  /** Whether the payment may be held and sent at once, or what stands against that. Changes nothing. */
  judge(id: IdWords, amountCents: number): 'clear' | 'repeated' | 'conflict' | 'foreign' | 'ask' {
    const { ring, settled, instance, instances } = this.#parts;
    const live = ring.find(id);
    if (live >= 0) return ring.amountCents[live] === amountCents ? 'repeated' : 'conflict';
    if (instances > 1 && ownerOf(id, instances) !== instance) return 'foreign';
    return settled.complete && !settled.mayHave(id) ? 'clear' : 'ask';
  }

  /** Whether the id may be one that was settled; false isn't certain before all of them are loaded. */
  remembers(id: IdWords): boolean {
    return this.#parts.settled.mayHave(id);
  }

  /** Why nothing is held now, of another instance (`fromPeer`) or a client; undefined when it is. */
  refusal(fromPeer: boolean): Refusal | undefined {
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

  /** Holds a payment whose id isn't live, and that isn't refused; `onHeld` takes its slot. */
  hold(id: IdWords, amountCents: number, onHeld: (slot: number) => void): Held {
    const { ring, journal, settled, clock } = this.#parts;
    if (this.#dubious >= 0 && !this.#clear()) return 'broken';
    const slot = ring.claim(id, amountCents, clock.now());
    if (slot < 0) return 'full';
    // A start that finds it asks both processors too.
    ring.isDoubtful[slot] = settled.mayHave(id) ? 1 : 0;
    try {
      journal.hold(slot);
    } catch (error) {
      ring.release(slot);
      this.#dubious = slot;
      this.#outage.failed(String(error), { message: String(error) });
      return 'broken';
    }
    this.accepted++;
    this.#outage.works();
    onHeld(slot);
    return 'accepted';
  }

  /** A restart must not find the refused payment beside one that was accepted under its id since, perhaps with another amount. */
  #clear(): boolean {
    try {
      this.#parts.journal.free(this.#dubious);
    } catch (error) {
      this.#outage.failed(String(error), { message: String(error) });
      return false;
    }
    this.#dubious = -1;
    return true;
  }

  /** The payment in `slot` is settled: remembered as such, before its slot may hold another. @throws when the journal fails */
  forget(slot: number): void {
    const { ring, settled } = this.#parts;
    settled.add(ring.ids, slot * 4);
    this.free(slot);
  }

  /** The payment in `slot` is somebody else's, or purged. @throws when the journal fails */
  free(slot: number): void {
    this.#parts.journal.free(slot);
    this.#parts.ring.release(slot);
  }
}
