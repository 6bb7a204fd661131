// A ledger without a database, for the batch writer. It records every statement, keeps rows as
// PostgreSQL would (each id once, nothing of a refused batch), and fails as the test says.

import type { Batch } from '../../src/ledger/batch.ts';
import { LedgerFailure, type LedgerConnection } from '../../src/ledger/libpq.ts';
import type { LedgerRow } from '../../src/payment.ts';

/**
 * What happens to a statement: recorded; recorded, but the answer is lost; not recorded and the
 * answer is lost; refused.
 */
export type Fate = 'recorded' | 'answer lost' | 'broken before' | { readonly refused: string };

export class FakeLedger {
  /** Rows of each statement that arrived. */
  readonly statements: number[] = [];
  readonly rows = new Map<string, LedgerRow>();
  /** Reads of single rows. */
  finds = 0;
  connections = 0;
  open = 0;
  /** While true nobody can connect. */
  isAway = false;
  fateOf: (batch: Batch) => Fate = () => 'recorded';
  /** While true statements wait for `answer`. */
  isHolding = false;
  readonly #held: (() => void)[] = [];

  connect = async (): Promise<LedgerConnection> => {
    await Promise.resolve();
    if (this.isAway) throw new LedgerFailure('broken', 'the database is away');
    this.connections++;
    this.open++;
    let isOpen = true;
    return {
      record: (batch) => {
        if (!isOpen) throw new Error('a statement on a closed connection');
        return this.#record(batch);
      },
      close: () => {
        if (isOpen) this.open--;
        isOpen = false;
      },
    };
  };

  find = async (ids: readonly string[]): Promise<LedgerRow[]> => {
    this.finds++;
    await Promise.resolve();
    if (this.isAway) throw new Error('the database is away');
    return ids.flatMap((id) => this.rows.get(id) ?? []);
  };

  /** Answers the statements that are held. */
  answer(): void {
    for (const resolve of this.#held.splice(0)) resolve();
  }

  async #record(batch: Batch): Promise<number> {
    this.statements.push(batch.rows);
    if (this.isHolding) await new Promise<void>((resolve) => this.#held.push(resolve));
    const fate = this.fateOf(batch);
    if (typeof fate === 'object') {
      throw new LedgerFailure('refused', 'the database refuses it', fate.refused);
    }
    if (fate === 'broken before') throw new LedgerFailure('broken', 'connection lost');
    const ids = batch.ids.slice(1, -1).split(',');
    const cents = batch.amountCents.slice(1, -1).split(',').map(Number);
    const times = batch.requestedAtMs.slice(1, -1).split(',').map(Number);
    let inserted = 0;
    for (const [at, correlationId] of ids.entries()) {
      if (this.rows.has(correlationId)) continue;
      inserted++;
      this.rows.set(correlationId, {
        correlationId,
        processor: batch.processor,
        amountCents: cents[at] as number,
        requestedAtMs: times[at] as number,
      });
    }
    if (fate === 'answer lost') throw new LedgerFailure('broken', 'connection lost');
    return inserted;
  }
}
