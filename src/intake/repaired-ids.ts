// Payments that `npm run reconcile -- --repair` wrote into the ledger. This instance may never have
// seen them settled, so its Bloom filter lacks them: a repeat would be taken for a new payment and
// charged again. Each second the instance reads the repairs since the last one.

import { sleep, type Clock } from '../clock.ts';
import { idFromText, type IdWords } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';

export interface RepairedIdsParts {
  readonly clock: Clock;
  readonly ledger: Pick<LedgerPort, 'repairsAfter'>;
  readonly add: (id: IdWords) => void;
}

const EVERY_MS = 1_000;
const RETRY_MS = 100;
/** Adding a page takes some milliseconds: intake waits no longer. */
const PAGE = 1_000;
/** Before the number of the first repair. */
const FIRST = '0';

export class RepairedIds {
  /**
   * Resolves when all repairs so far were read once: from the first one of the ledger's life on,
   * since this instance, or its Bloom filter's file, may have missed any.
   */
  readonly caughtUp: Promise<void>;
  readonly #parts: RepairedIdsParts;
  #onCaughtUp!: () => void;
  #last = FIRST;
  #stopped = false;

  constructor(parts: RepairedIdsParts) {
    this.#parts = parts;
    this.caughtUp = new Promise((resolve) => {
      this.#onCaughtUp = resolve;
    });
  }

  async start(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#stopped) {
      const read = await this.#readPage();
      if (read === 'all') this.#onCaughtUp();
      await sleep(clock, { all: EVERY_MS, page: 0, none: RETRY_MS }[read]);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #readPage(): Promise<'all' | 'page' | 'none'> {
    const { ledger, add } = this.#parts;
    try {
      const page = await ledger.repairsAfter(this.#last, PAGE);
      for (const { correlationId } of page) {
        const id = idFromText(correlationId);
        if (id !== undefined) add(id);
      }
      this.#last = page.at(-1)?.number ?? this.#last;
      return page.length === PAGE ? 'page' : 'all';
    } catch {
      // A ledger that was away may be an earlier state of itself: it gives numbers again.
      this.#last = FIRST;
      return 'none';
    }
  }
}
