// What the batch writer counts, for metrics and the snapshot.

import { Histogram } from '../histogram.ts';
import type { Batch } from '../ledger/batch.ts';

const ROWS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;

export class WriterFigures {
  /** Committed batches. */
  batches = 0;
  /** How long they took. */
  readonly durations = new Histogram();
  /** Rows per committed batch. */
  readonly batchRows = new Histogram(ROWS);
  /** Rows of committed batches, by processor. */
  readonly rows: [number, number] = [0, 0];
  /** Why the latest batch failed; '' once a later one is committed. */
  problem = '';
  #latestMs = 0;
  /** When the batch that is under way was sent. */
  #sentMs: number | undefined;

  sent(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  committed({ processor, rows }: Batch, nowMs: number): void {
    this.#latestMs = nowMs - (this.#sentMs ?? nowMs);
    this.#sentMs = undefined;
    this.batches++;
    this.durations.observeMs(this.#latestMs);
    this.batchRows.observe(rows);
    this.rows[processor] += rows;
    this.problem = '';
  }

  failed(problem: string): void {
    this.#sentMs = undefined;
    this.problem = problem;
  }

  /** How long batches take; a batch that failed doesn't count. */
  observed(nowMs: number): { delayMs: number; answers: number; isUsed: boolean } {
    const underWayMs = nowMs - (this.#sentMs ?? nowMs);
    return {
      delayMs: Math.max(this.#latestMs, underWayMs),
      answers: this.batches,
      isUsed: this.#sentMs !== undefined,
    };
  }
}
