// The payments that this instance holds. A payment's life in the ring begins here (`hold`, before
// its 202) and ends here (`release`, once the ledger or the payment's owner has it). Ring and
// journal always change together.

import type { Clock } from '../clock.ts';
import type { Anomalies } from '../ledger/anomalies.ts';
import type { SettledLookup } from '../ledger/settled-lookup.ts';
import type { Log } from '../log/log.ts';
import { Histogram } from '../histogram.ts';
import { Outage } from '../log/outage.ts';
import type { IdWords } from '../payment.ts';
import type { BloomFilter } from './bloom-filter.ts';
import type { Journal } from './journal.ts';
import type { Recovering } from './recovering.ts';
import type { Ring } from './ring.ts';
import { SafeSoon } from './safe-soon.ts';
import { IN_DOUBT, NO_DOUBT } from './slot-state.ts';

export interface HeldPaymentsParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the journal can't be relied on any more. */
  readonly onFatal: (error: unknown) => void;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly settledIds: BloomFilter;
  readonly lookup: SettledLookup;
  readonly anomalies: Anomalies;
  readonly recovering: Recovering;
}

/**
 * How a payment's life ends: the cents that the ledger has; 'given up' by an operator, as the
 * ledger knows; 'not settled': the owner has the payment, or it is purged.
 */
type SettledAs = number | 'given up' | 'not settled';

export class HeldPayments {
  /** Payments accepted since the start, or since the last purge. */
  accepted = 0;
  /** From a payment's acceptance until the ledger has its row. */
  readonly settleDurations = new Histogram();
  readonly #parts: HeldPaymentsParts;
  readonly safeSoon: SafeSoon;
  /** Counts each payment that is refused because the journal can't be written as a failure. */
  readonly #outage: Outage;
  /**
   * The slot of a payment that was refused because its write failed; -1 without one. Part of the
   * write, or all of it, may be on the disk.
   */
  #unwrittenSlot = -1;

  constructor(parts: HeldPaymentsParts) {
    this.#parts = parts;
    this.safeSoon = new SafeSoon(parts);
    const [begins, ends] = ['journal fails', 'journal works again'];
    this.#outage = new Outage({ ...parts, begins, ends, isError: () => true });
  }

  /**
   * Takes a payment of 1 cent or more whose id is not live, and returns its slot. 'full': no slot
   * is free. 'broken': the journal can't be written. 'late': it is behind with what was written.
   * `isInDoubt`: it was in doubt where it was held before.
   */
  hold(id: IdWords, amountCents: number, isInDoubt = false): number | 'full' | 'broken' | 'late' {
    const { ring, journal, settledIds, clock } = this.#parts;
    if (this.safeSoon.isLate) return 'late';
    if (this.#unwrittenSlot >= 0 && !this.#clearUnwritten()) return 'broken';
    const slot = ring.hold(id, amountCents, clock.now());
    if (slot < 0) return 'full';
    // The journal keeps the doubt: a start that finds this payment asks both processors.
    ring.doubt[slot] = isInDoubt || settledIds.mayHave(id) ? IN_DOUBT : NO_DOUBT;
    try {
      journal.hold(slot);
    } catch (error) {
      ring.release(slot);
      this.#unwrittenSlot = slot;
      this.#failed(error);
      return 'broken';
    }
    this.accepted++;
    this.#outage.works();
    return slot;
  }

  /**
   * Frees a payment's slot. If the payment has anomalies that are not recorded yet, frees the slot
   * once they are.
   */
  release(slot: number, settled: SettledAs): void {
    const { ring, journal, anomalies, recovering, onFatal } = this.#parts;
    if (anomalies.pending > 0) {
      const isWaiting = anomalies.whenRecorded(ring.idText(slot), () =>
        this.release(slot, settled),
      );
      if (isWaiting) return;
    }
    recovering.end(slot);
    if (settled !== 'not settled') this.#remember(slot, settled);
    try {
      journal.release(slot);
    } catch (error) {
      onFatal(error);
      return;
    }
    ring.release(slot);
  }

  /**
   * Resolves when all that was written to the journal is as safe as JOURNAL_SYNC demands; undefined
   * if it is already. Rejects if the disk fails.
   */
  synced(): Promise<void> | undefined {
    return this.#parts.journal.synced()?.catch((error: unknown) => {
      this.#parts.onFatal(error);
      throw error;
    });
  }

  /** The journal is behind: nothing is taken until it has caught up. */
  get isLate(): boolean {
    return this.safeSoon.isLate;
  }

  /**
   * Resolves with whether all that was written to the journal is as safe as JOURNAL_SYNC demands,
   * after SAFE_SOON_MS at most; undefined if it is already. Rejects if the disk fails.
   */
  isSafeSoon(): Promise<boolean> | undefined {
    const synced = this.#parts.journal.synced();
    return synced && this.safeSoon.of(synced);
  }

  /** Marks the payment as known to the ledger, before its slot may hold another payment. */
  #remember(slot: number, settled: number | 'given up'): void {
    const { clock, ring, settledIds, lookup } = this.#parts;
    // The wall clock may have been set back.
    const tookMs = Math.max(0, clock.now() - (ring.acceptedAtMs[slot] as number));
    if (settled !== 'given up') this.settleDurations.observeMs(tookMs);
    if (lookup.isAsking) lookup.answer(ring.idText(slot), settled);
    settledIds.add(ring.ids, slot * 4);
  }

  /**
   * Overwrites the refused payment in the journal. Otherwise a restart could find it beside a
   * payment that was accepted later under the same id, perhaps with another amount. Returns false
   * if the journal still can't be written.
   */
  #clearUnwritten(): boolean {
    try {
      this.#parts.journal.release(this.#unwrittenSlot);
    } catch (error) {
      this.#failed(error);
      return false;
    }
    this.#unwrittenSlot = -1;
    return true;
  }

  #failed(error: unknown): void {
    this.#outage.failed(String(error), { message: String(error) });
  }
}
