// The batch writer: from charged payments to rows in the ledger, one statement at a time.
//
// Rows wait per processor until there are `batchRows` of them or the oldest is `batchWaitMs` old. A
// batch whose fate is unknown is sent again as it is (recording is idempotent). Where ids had rows
// before, these are read and compared: the same values are a batch that is repeated, others are a
// contradiction. A batch that the database refuses for its content is split until the poisoned row
// stands alone; that one is put aside and tried again later, and holds up nobody.
//
//   idle ──rows──▶ gathering ──full or old──▶ recording ──committed──▶ idle
//                                              └──failed──▶ waiting ──▶ recording

import { isSameRow, rowSaid } from '../anomaly.ts';
import { sleep, type Clock, type Timer } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';
import { PROCESSORS, type LedgerRow, type ProcessorIndex } from '../payment.ts';
import { batchOf } from './batch.ts';
import { Flush } from './flush.ts';
import { LedgerFailure, type LedgerConnection } from './libpq.ts';
import { isAboutContent, needsSomebody } from './refusal.ts';
import { TokenQueue } from './token-queue.ts';

export interface WriterParts {
  readonly clock: Clock;
  readonly batchRows: number;
  readonly batchWaitMs: number;
  readonly batchRowsMax: number;
  /** Slots of the ring; some more rows may wait while a refused batch is split. */
  readonly capacity: number;
  readonly ledger: {
    readonly connect: () => Promise<LedgerConnection>;
    /** The committed rows of these ids. @throws when the ledger can't be asked */
    readonly find: (correlationIds: readonly string[]) => Promise<readonly LedgerRow[]>;
  };
  /** The row that stands behind a token (a slot of the ring). */
  readonly rowOf: (token: number) => LedgerRow;
  /** The row is committed; the token is not used any more. */
  readonly onRecorded: (token: number) => void;
  /** The ledger has had `row` under its id before; the token is not used any more. */
  readonly onContradicted: (token: number, row: LedgerRow) => void;
  readonly log: Log;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
const POISONED_RETRY_MS = 30_000;

type RowsById = ReadonlyMap<string, LedgerRow>;
const NO_ROWS: RowsById = new Map();

export class BatchWriter {
  /** Rows that wait for another try after the database refused them. */
  #aside = 0;
  readonly #parts: WriterParts;
  readonly #waiting: readonly [TokenQueue, TokenQueue];
  #connection: LedgerConnection | undefined;
  #gathering: Timer | undefined;
  #running = false;
  #retryMs = RETRY_FIRST_MS;
  readonly #flushes = new Set<Flush>();
  readonly #outage: Outage;
  /** By token, why the database refused its row. */
  readonly #refusals = new Map<number, string>();

  constructor(parts: WriterParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    const [begins, ends] = ['ledger unavailable', 'ledger available again'];
    this.#outage = new Outage({ clock, log, begins, ends, isError: needsSomebody });
    // While a refused batch is split, those of its rows that are committed may come again as new payments.
    const room = parts.capacity + parts.batchRowsMax;
    this.#waiting = [new TokenQueue(room), new TokenQueue(room)];
  }

  /** Rows that the database refused, until they are recorded: also while they are tried again. */
  get poisoned(): number {
    return this.#refusals.size;
  }

  /** Rows that are not committed yet. */
  get pending(): number {
    return this.#waiting[0].length + this.#waiting[1].length + this.#aside;
  }

  /** Takes a charged payment. The token must not have been added before. */
  add(processor: ProcessorIndex, token: number): void {
    this.#waiting[processor].push(token);
    if (this.#running) return;
    if (this.#waiting[processor].length >= this.#parts.batchRows) this.#start();
    else this.#gathering ??= this.#parts.clock.after(this.#parts.batchWaitMs, () => this.#start());
  }

  /** Whether every row added so far is committed or put aside `withinMs` from now; resolves as soon as that is so. */
  flush(withinMs: number): Promise<boolean> {
    const [first, second] = this.#waiting;
    if (first.length + second.length === 0) return Promise.resolve(true);
    const targets = [first.dropped + first.length, second.dropped + second.length] as const;
    const flush = new Flush(targets);
    this.#flushes.add(flush);
    // Nobody may be kept for as long as the database is away.
    const deadline = this.#parts.clock.after(withinMs, () => {
      this.#flushes.delete(flush);
      flush.end(false);
    });
    this.#start();
    return flush.ended.finally(() => deadline.cancel());
  }

  /**
   * `see` is called with each token that isn't recorded yet, and perhaps with some that are: a
   * batch keeps its tokens until the last of them is.
   */
  eachWaiting(see: (token: number) => void): void {
    for (const queue of this.#waiting) for (const token of queue.first(queue.length)) see(token);
    for (const token of this.#refusals.keys()) see(token);
  }

  close(): void {
    this.#gathering?.cancel();
    this.#connection?.close();
    this.#connection = undefined;
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
      // In turns, so that a busy processor doesn't keep the other one's rows waiting.
      for (const processor of PROCESSORS) {
        const queue = this.#waiting[processor];
        const tokens = queue.first(this.#parts.batchRowsMax);
        if (tokens.length === 0) continue;
        // The queue keeps them until they are committed, so a failure anywhere loses none.
        await this.#record(tokens);
        queue.drop(tokens.length);
        this.#endFlushes();
      }
    } while (this.#waiting.some((queue) => queue.length >= this.#parts.batchRows));
    this.#running = false;
    const left = this.#waiting[0].length + this.#waiting[1].length;
    if (left > 0 && this.#flushes.size > 0) this.#start();
    else if (left > 0) {
      this.#gathering ??= this.#parts.clock.after(this.#parts.batchWaitMs, () => this.#start());
    }
  }

  #endFlushes(): void {
    for (const flush of this.#flushes) {
      if (!flush.isReached(this.#waiting)) continue;
      this.#flushes.delete(flush);
      flush.end(true);
    }
  }

  /** Resolves when each row is committed or put aside. */
  async #record(tokens: readonly number[]): Promise<void> {
    const known = await this.#committed(tokens);
    if (!(known instanceof LedgerFailure)) {
      for (const token of tokens) this.#settle(token, known);
    } else if (tokens.length > 1) {
      const middle = tokens.length >> 1;
      await this.#record(tokens.slice(0, middle));
      await this.#record(tokens.slice(middle));
    } else {
      this.#putAside(tokens[0] as number, known);
    }
  }

  /**
   * Once the batch is committed: what the ledger has under its ids, where some had rows before,
   * else nothing. The failure when the batch's content is what the database refuses.
   */
  async #committed(tokens: readonly number[]): Promise<RowsById | LedgerFailure> {
    const rows = tokens.map(this.#parts.rowOf);
    const batch = batchOf(rows);
    for (;;) {
      try {
        this.#connection ??= await this.#parts.ledger.connect();
        const inserted = await this.#connection.record(batch);
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
        // Begin anew: the statement may be gone there, or the server read-only since a failover.
        this.#connection?.close();
        this.#connection = undefined;
        const { message, sqlState } = error;
        this.#outage.failed(sqlState, { message, sqlState, rows: this.pending });
        await sleep(this.#parts.clock, this.#retryMs);
        this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
      }
    }
  }

  /**
   * @throws LedgerFailure when the ledger doesn't say, or has lost a row meanwhile: then they are
   * to be recorded again.
   */
  async #known(rows: readonly LedgerRow[]): Promise<RowsById> {
    const ids = new Set(rows.map((row) => row.correlationId));
    const found = await this.#parts.ledger.find([...ids]).catch((error: unknown) => {
      throw new LedgerFailure('broken', String(error));
    });
    const known = new Map(found.map((row) => [row.correlationId, row]));
    if (known.size < ids.size) throw new LedgerFailure('broken', 'a recorded row is gone');
    return known;
  }

  #settle(token: number, known: RowsById): void {
    const { rowOf, onRecorded, onContradicted, log } = this.#parts;
    if (known.size === 0 && this.#refusals.size === 0) return onRecorded(token);
    const row = rowOf(token);
    if (this.#refusals.delete(token)) log.info('refused row is recorded', logged(row));
    const recorded = known.get(row.correlationId);
    if (recorded === undefined || isSameRow(row, recorded)) onRecorded(token);
    else onContradicted(token, recorded);
  }

  /** It is charged and must be recorded: it keeps its token, and someone has to look. */
  #putAside(token: number, failure: LedgerFailure): void {
    const { clock, log, rowOf } = this.#parts;
    const row = rowOf(token);
    const { message, sqlState } = failure;
    const refusal = `${sqlState} ${message}`;
    if (this.#refusals.get(token) !== refusal) {
      log.error('ledger refuses a row', { ...logged(row), sqlState, message });
    }
    this.#refusals.set(token, refusal);
    this.#aside++;
    clock.after(POISONED_RETRY_MS, () => {
      this.#aside--;
      this.add(row.processor, token);
    });
  }
}

const logged = (row: LedgerRow) => ({ correlationId: row.correlationId, ...rowSaid(row) });
