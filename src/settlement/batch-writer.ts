// The batch writer: records charged payments in the ledger, one statement at a time.
//
// Rows wait per processor until there are BATCH_ROWS of them or the oldest is BATCH_WAIT_MS old. A
// batch of unknown outcome is sent again unchanged: recording is idempotent. If ids already had
// rows, these are read and compared: equal values mean that the batch was repeated, others are a
// contradiction. A batch that the database refuses for its content is halved until the refused row
// stands alone. That row is put aside and tried again later, and delays no other row.
//
//   idle ──rows──▶ gathering ──full or old──▶ recording ──committed──▶ idle
//                                              └──failed──▶ waiting ──▶ recording

import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Recovering } from '../buffer/recovering.ts';
import type { Ring } from '../buffer/ring.ts';
import { CHARGED, CHARGE_JOURNALLED } from '../buffer/slot-state.ts';
import { sleep, type Clock, type Timer } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { isSameRow } from '../ledger/anomaly.ts';
import { batchOf } from '../ledger/batch.ts';
import { LedgerFailure, type LedgerConnection } from '../ledger/libpq.ts';
import type { Log } from '../log/log.ts';
import { Outage } from '../log/outage.ts';
import { PROCESSORS, rowsIn, type LedgerRow, type ProcessorIndex } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';
import type { Contradictions } from './contradictions.ts';
import { Flush } from './flush.ts';
import { isAboutContent, needsSomebody } from './refusal.ts';
import { RefusedRows } from './refused-rows.ts';
import { RowQueue } from './row-queue.ts';
import { WriterFigures } from './writer-figures.ts';

export interface BatchWriterParts {
  readonly config: Pick<Config, 'BATCH_ROWS' | 'BATCH_WAIT_MS' | 'BATCH_ROWS_MAX'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: Pick<LedgerPort, 'connect' | 'find'>;
  readonly ring: Ring;
  readonly held: HeldPayments;
  readonly recovering: Recovering;
  readonly contradictions: Contradictions;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

type RowsById = ReadonlyMap<string, LedgerRow>;
const NO_ROWS: RowsById = new Map();

export class BatchWriter {
  readonly figures = new WriterFigures();
  readonly #parts: BatchWriterParts;
  readonly #waiting: readonly [RowQueue, RowQueue];
  #connection: LedgerConnection | undefined;
  #gathering: Timer | undefined;
  #running = false;
  #retryMs = RETRY_FIRST_MS;
  readonly #flushes = new Set<Flush>();
  readonly #outage: Outage;
  readonly #refusedRows: RefusedRows;

  constructor(parts: BatchWriterParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.#refusedRows = new RefusedRows(clock, log);
    const [begins, ends] = ['ledger unavailable', 'ledger available again'];
    this.#outage = new Outage({ clock, log, begins, ends, isError: needsSomebody });
    // While a refused batch is halved, the slots of its committed rows may already hold new
    // payments, which are added before the old entries are dropped.
    const room = parts.ring.slots + parts.config.BATCH_ROWS_MAX;
    this.#waiting = [new RowQueue(room), new RowQueue(room)];
  }

  /** Rows that the database refused and that are not recorded yet. */
  get refused(): number {
    return this.#refusedRows.size;
  }

  /** Rows that are not committed yet. */
  get pending(): number {
    return this.#waiting[0].length + this.#waiting[1].length + this.#refusedRows.waiting;
  }

  /** Takes a payment that its pin's processor holds with the ring's values. Once per payment. */
  add(slot: number): void {
    const { config, ring, recovering } = this.#parts;
    const processor = ring.pinOf(slot) as ProcessorIndex;
    if (ring.chargeState[slot] !== CHARGE_JOURNALLED) ring.chargeState[slot] = CHARGED;
    this.#waiting[processor].push(slot);
    recovering.end(slot);
    if (this.#running) return;
    if (this.#waiting[processor].length >= config.BATCH_ROWS) this.#start();
    else this.#gather();
  }

  /**
   * Resolves with true as soon as every row added so far is committed or put aside, else with false
   * `withinMs` from now.
   */
  flush(withinMs: number): Promise<boolean> {
    const [first, second] = this.#waiting;
    if (first.length + second.length === 0) return Promise.resolve(true);
    const targets = [first.dropped + first.length, second.dropped + second.length] as const;
    const flush = new Flush(targets);
    this.#flushes.add(flush);
    // The caller must not wait for as long as the database is away.
    const deadline = this.#parts.clock.after(withinMs, () => {
      this.#flushes.delete(flush);
      flush.end(false);
    });
    this.#start();
    return flush.ended.finally(() => deadline.cancel());
  }

  /**
   * The slots of payments that are not recorded yet, and some that are: a batch keeps its slots
   * until its last row is committed.
   */
  *waiting(): Generator<number> {
    for (const queue of this.#waiting) yield* queue.first(queue.length);
    yield* this.#refusedRows.slots();
  }

  close(): void {
    this.#gathering?.cancel();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #gather(): void {
    const { config, clock } = this.#parts;
    this.#gathering ??= clock.after(config.BATCH_WAIT_MS, () => this.#start());
  }

  #start(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    do {
      // In turns, so that the rows of a busy processor don't delay those of the other one.
      for (const processor of PROCESSORS) {
        const queue = this.#waiting[processor];
        const slots = queue.first(this.#parts.config.BATCH_ROWS_MAX);
        if (slots.length === 0) continue;
        // The queue keeps the slots until their rows are committed: no failure loses one.
        await this.#record(slots);
        queue.drop(slots.length);
        this.#endFlushes();
      }
    } while (this.#waiting.some((queue) => queue.length >= this.#parts.config.BATCH_ROWS));
    this.#running = false;
    const left = this.#waiting[0].length + this.#waiting[1].length;
    if (left > 0 && this.#flushes.size > 0) this.#start();
    else if (left > 0) this.#gather();
  }

  #endFlushes(): void {
    for (const flush of this.#flushes) {
      if (!flush.isReached(this.#waiting)) continue;
      this.#flushes.delete(flush);
      flush.end(true);
    }
  }

  /** Resolves when each row is committed or put aside. */
  async #record(slots: readonly number[]): Promise<void> {
    const known = await this.#committed(slots);
    if (!(known instanceof LedgerFailure)) {
      for (const slot of slots) this.#settle(slot, known);
    } else if (slots.length > 1) {
      const middle = slots.length >> 1;
      await this.#record(slots.slice(0, middle));
      await this.#record(slots.slice(middle));
    } else {
      const slot = slots[0] as number;
      this.#refusedRows.add(slot, this.#rowOf(slot), known, () => this.add(slot));
    }
  }

  /**
   * Resolves when the batch is committed: with the ledger's rows of its ids if some had rows
   * before, else with none. With the failure if the database refuses the batch for its content.
   */
  async #committed(slots: readonly number[]): Promise<RowsById | LedgerFailure> {
    const rows = slots.map((slot) => this.#rowOf(slot));
    const batch = batchOf(rows);
    for (;;) {
      try {
        this.#connection ??= await this.#parts.ledger.connect();
        this.figures.sent(this.#parts.clock.elapsed());
        const inserted = await this.#connection.record(batch);
        this.figures.committed(batch, this.#parts.clock.elapsed());
        const known = inserted === rows.length ? NO_ROWS : await this.#known(rows);
        this.#retryMs = RETRY_FIRST_MS;
        this.#outage.works({ rows: this.pending });
        return known;
      } catch (error) {
        if (!(error instanceof LedgerFailure)) throw error;
        if (this.#connection && isAboutContent(error)) {
          this.#outage.works({ rows: this.pending });
          return error;
        }
        // A new connection: the server may have lost the prepared statement, or be read-only
        // since a failover.
        this.#connection?.close();
        this.#connection = undefined;
        const { message, sqlState } = error;
        this.figures.failed(message);
        this.#outage.failed(sqlState, { message, sqlState, rows: this.pending });
        await sleep(this.#parts.clock, this.#retryMs);
        this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
      }
    }
  }

  /**
   * The ledger's rows of these ids. @throws LedgerFailure when the ledger doesn't answer, or has
   * lost a row meanwhile: then the batch is recorded again.
   */
  async #known(rows: readonly LedgerRow[]): Promise<RowsById> {
    const ids = new Set(rows.map((row) => row.correlationId));
    const found = await this.#parts.ledger.find([...ids]).catch((error: unknown) => {
      throw new LedgerFailure('broken', String(error));
    });
    const known = new Map(rowsIn(found).map((row) => [row.correlationId, row]));
    if (known.size < ids.size) throw new LedgerFailure('broken', 'a recorded row is gone');
    return known;
  }

  #settle(slot: number, known: RowsById): void {
    const { ring, held, contradictions } = this.#parts;
    const cents = ring.amountCents[slot] as number;
    if (known.size === 0 && this.#refusedRows.size === 0) return held.release(slot, cents);
    const row = this.#rowOf(slot);
    this.#refusedRows.recorded(slot, row);
    const recorded = known.get(row.correlationId);
    if (recorded === undefined || isSameRow(row, recorded)) held.release(slot, cents);
    else contradictions.recordedBefore(slot, recorded);
  }

  #rowOf(slot: number): LedgerRow {
    const { ring } = this.#parts;
    return { ...ring.chargeOf(slot), processor: ring.pinOf(slot) as ProcessorIndex };
  }
}
