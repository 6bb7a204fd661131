// Payments that an operator gave up. The journal has that first, then the ledger, again and again
// until it is committed; then the payment is released. Nothing is sent for it meanwhile, and a
// restart goes on with it.

import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import { NOT_CHARGED } from '../buffer/slot-state.ts';
import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';
import type { GivenUp } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';

export interface GivingUpParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: Pick<LedgerPort, 'giveUp'>;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly held: HeldPayments;
  /** The journal fails. */
  readonly onFatal: (error: unknown) => void;
}

type Ended = Omit<GivenUp, 'givenUpAtMs'>;

const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;

export class GivingUp {
  readonly #parts: GivingUpParts;
  #stopped = false;

  constructor(parts: GivingUpParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
  }

  /**
   * Takes a payment that is in no queue. Resolves with 'given up' once the ledger has it so and the
   * payment is released, or with 'settled' if the ledger has its row: then the payment is still
   * held. Doesn't resolve if the instance stops before. Never rejects.
   */
  async add(slot: number, mayBeCharged: boolean): Promise<'given up' | 'settled'> {
    const { ring } = this.#parts;
    await this.#write(slot, mayBeCharged);
    const { correlationId, amountCents } = ring.chargeOf(slot);
    const payment = { correlationId, amountCents, mayBeCharged };
    if ((await this.#record(payment)) === 'settled') {
      ring.chargeState[slot] = NOT_CHARGED;
      return 'settled';
    }
    this.end(slot, payment);
    return 'given up';
  }

  /** Releases a payment that the ledger has as given up. */
  end(slot: number, { correlationId, amountCents, mayBeCharged }: Ended): void {
    const { log, held } = this.#parts;
    log.warn('payment given up', { correlationId, amountCents, mayBeCharged });
    held.release(slot, 'given up');
  }

  async #write(slot: number, mayBeCharged: boolean): Promise<void> {
    const { journal, onFatal } = this.#parts;
    try {
      journal.giveUp(slot, mayBeCharged);
      await journal.synced();
    } catch (error) {
      onFatal(error);
      await new Promise(() => {});
    }
  }

  async #record(payment: Ended): Promise<'given up' | 'settled'> {
    const { clock, ledger } = this.#parts;
    for (let tries = 0; ; tries++) {
      if (this.#stopped) await new Promise(() => {});
      try {
        return await ledger.giveUp(payment);
      } catch {
        await sleep(clock, doublingMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS));
      }
    }
  }
}
