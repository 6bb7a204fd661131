// The charge keeper: while the ledger takes long, charged payments that are not recorded yet are
// marked as charged in the journal. After a crash the next start records them without asking their
// processor. While the ledger is quick, the journal is spared this write, which would cost a tenth
// of a payment's CPU.

import type { Clock, Timer } from '../clock.ts';
import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import { CHARGED, LONG_CHARGED } from '../buffer/slot-state.ts';
import type { BatchWriter } from './batch-writer.ts';

export interface ChargeKeeperParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly writer: BatchWriter;
  /** The journal fails. */
  readonly onFatal: (error: unknown) => void;
}

/** Longer than a batch takes while the ledger is quick. */
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

  /** Marks payments that were charged before the last look and still wait. */
  #look(): void {
    const { ring, journal, writer, onFatal } = this.#parts;
    try {
      for (const slot of writer.waiting()) {
        if (ring.chargeState[slot] === CHARGED) ring.chargeState[slot] = LONG_CHARGED;
        else if (ring.chargeState[slot] === LONG_CHARGED) journal.charged(slot);
      }
    } catch (error) {
      onFatal(error);
    }
  }
}
