// Payments that are charged and can't be recorded, as the ledger takes long, are written down as
// charged: a start after a crash records them without their processor. In good times the journal
// is spared this write, which would cost a tenth of a payment's CPU.

import type { Clock, Timer } from './clock.ts';
import type { Journal } from './buffer/journal.ts';
import { CHARGED, LONG_CHARGED, type Ring } from './buffer/ring.ts';
import type { BatchWriter } from './ledger/writer.ts';

export interface ChargeKeeperParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly writer: BatchWriter;
  /** The journal fails. */
  readonly onFatal: (error: unknown) => void;
}

/** Longer than a batch takes in good times. */
const LOOK_EVERY_MS = 250;

export class ChargeKeeper {
  readonly #parts: ChargeKeeperParts;
  #timer: Timer | undefined;

  constructor(parts: ChargeKeeperParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(LOOK_EVERY_MS, () => {
      this.start();
      this.#look();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** What was charged before the last look, and still waits. */
  #look(): void {
    const { ring, journal, writer, onFatal } = this.#parts;
    try {
      writer.eachWaiting((slot) => {
        if (ring.chargeState[slot] === CHARGED) ring.chargeState[slot] = LONG_CHARGED;
        else if (ring.chargeState[slot] === LONG_CHARGED) journal.charged(slot);
      });
    } catch (error) {
      onFatal(error);
    }
  }
}
