// Rows that the database refuses for their content. Each belongs to a charged payment and must be
// recorded: it keeps its slot, the log names it, and it is tried again and again.

import type { Clock } from '../clock.ts';
import { valuesOfRow } from '../ledger/anomaly.ts';
import type { LedgerFailure } from '../ledger/libpq.ts';
import type { Log } from '../log/log.ts';
import type { LedgerRow } from '../payment.ts';

const RETRY_MS = 30_000;

export class RefusedRows {
  /** Rows that wait for their next try. */
  waiting = 0;
  readonly #clock: Clock;
  readonly #log: Log;
  /** By slot, why the database refused its row. */
  readonly #refusals = new Map<number, string>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** All refused rows, also while they are tried again. */
  get size(): number {
    return this.#refusals.size;
  }

  slots(): Iterable<number> {
    return this.#refusals.keys();
  }

  /** Calls `retry` after RETRY_MS. */
  add(slot: number, row: LedgerRow, failure: LedgerFailure, retry: () => void): void {
    const { message, sqlState } = failure;
    const refusal = `${sqlState} ${message}`;
    if (this.#refusals.get(slot) !== refusal) {
      this.#log.error('ledger refuses a row', { ...logged(row), sqlState, message });
    }
    this.#refusals.set(slot, refusal);
    this.waiting++;
    this.#clock.after(RETRY_MS, () => {
      this.waiting--;
      retry();
    });
  }

  /** The row is committed. */
  recorded(slot: number, row: LedgerRow): void {
    if (this.#refusals.delete(slot)) this.#log.info('refused row is recorded', logged(row));
  }
}

const logged = (row: LedgerRow) => ({ correlationId: row.correlationId, ...valuesOfRow(row) });
