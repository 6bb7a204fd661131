// The batch writer: from charged payments to rows in the ledger, one statement at a time.
//
// Rows wait per processor until there are `batchRows` of them or the oldest is `batchWaitMs` old. A batch whose fate is unknown is
// sent again as it is (recording is idempotent). A batch that the database refuses for its content is split until the
// poisoned row stands alone; that one is put aside and tried again later, and holds up nobody.
//
//   idle ──rows──▶ gathering ──full or old──▶ recording ──committed──▶ idle
//                                              └──failed──▶ waiting ──▶ recording

import { sleep, type Clock, type Timer } from '../clock.ts';
import { PROCESSORS, type LedgerRow, type ProcessorIndex } from '../payment.ts';
import { batchOf } from './batch.ts';
import { LedgerFailure, type LedgerConnection } from './libpq.ts';

export interface WriterParts {
  readonly clock: Clock;
  readonly batchRows: number;
  readonly batchWaitMs: number;
  readonly batchRowsMax: number;
  /** Slots of the ring; some more rows may wait while a refused batch is split. */
  readonly capacity: number;
  readonly connect: () => Promise<LedgerConnection>;
  /** The row that stands behind a token (a slot of the ring). */
  readonly rowOf: (token: number) => LedgerRow;
  /** The row is committed; the token is not used any more. */
  readonly onRecorded: (token: number) => void;
  readonly onTrouble: (message: string, details: Record<string, unknown>) => void;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
const POISONED_RETRY_MS = 30_000;

export class BatchWriter {
  /** Rows that the database refuses one by one. */
  poisoned = 0;
  readonly #parts: WriterParts;
  readonly #waiting: readonly [TokenQueue, TokenQueue];
  #connection: LedgerConnection | undefined;
  #gathering: Timer | undefined;
  #running = false;
  #retryMs = RETRY_FIRST_MS;
  readonly #flushes = new Set<Flush>();

  constructor(parts: WriterParts) {
    this.#parts = parts;
    // While a refused batch is split, those of its rows that are committed may come again as new payments.
    const room = parts.capacity + parts.batchRowsMax;
    this.#waiting = [new TokenQueue(room), new TokenQueue(room)];
  }

  /** Rows that are not committed yet. */
  get pending(): number {
    return this.#waiting[0].length + this.#waiting[1].length + this.poisoned;
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
    const failure = await this.#committed(tokens);
    if (failure === undefined) {
      for (const token of tokens) this.#parts.onRecorded(token);
    } else if (tokens.length > 1) {
      const middle = tokens.length >> 1;
      await this.#record(tokens.slice(0, middle));
      await this.#record(tokens.slice(middle));
    } else {
      this.#putAside(tokens[0] as number, failure);
    }
  }

  /** undefined once the batch is committed; the failure when its content is what the database refuses. */
  async #committed(tokens: readonly number[]): Promise<LedgerFailure | undefined> {
    const batch = batchOf(tokens.map(this.#parts.rowOf));
    for (;;) {
      try {
        this.#connection ??= await this.#parts.connect();
        await this.#connection.record(batch);
        this.#retryMs = RETRY_FIRST_MS;
        return undefined;
      } catch (error) {
        if (!(error instanceof LedgerFailure)) throw error;
        if (isAboutContent(error)) return error;
        // Begin anew: the statement may be gone there, or the server read-only since a failover.
        this.#connection?.close();
        this.#connection = undefined;
        const { message, sqlState } = error;
        this.#parts.onTrouble('ledger unavailable', { message, sqlState, rows: tokens.length });
        await sleep(this.#parts.clock, this.#retryMs);
        this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
      }
    }
  }

  /** It is charged and must be recorded: it keeps its token, and someone has to look. */
  #putAside(token: number, failure: LedgerFailure): void {
    const { clock, onTrouble, rowOf } = this.#parts;
    const row = rowOf(token);
    const { message, sqlState } = failure;
    onTrouble('ledger refuses a row', { message, sqlState, row });
    this.poisoned++;
    clock.after(POISONED_RETRY_MS, () => {
      this.poisoned--;
      this.add(row.processor, token);
    });
  }
}

/** Someone waits until these many rows have left each queue. */
class Flush {
  /** Whether they have. */
  readonly ended: Promise<boolean>;
  readonly #targets: readonly [number, number];
  #resolve!: (isReached: boolean) => void;

  constructor(targets: readonly [number, number]) {
    this.#targets = targets;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  end(isReached: boolean): void {
    this.#resolve(isReached);
  }

  isReached([first, second]: readonly [TokenQueue, TokenQueue]): boolean {
    const [firstTarget, secondTarget] = this.#targets;
    return first.dropped >= firstTarget && second.dropped >= secondTarget;
  }
}

/** SQLSTATE classes 22 (data) and 23 (constraint): the same batch would fail for ever. */
function isAboutContent(failure: LedgerFailure): boolean {
  return failure.kind === 'refused' && /^2[23]/.test(failure.sqlState);
}

/** A circular queue whose head stays until it is dropped. */
class TokenQueue {
  readonly #tokens: Int32Array;
  #head = 0;
  length = 0;
  /** Since the start. */
  dropped = 0;

  constructor(capacity: number) {
    this.#tokens = new Int32Array(capacity);
  }

  push(token: number): void {
    if (this.length === this.#tokens.length) throw new Error('more rows than slots');
    this.#tokens[(this.#head + this.length) % this.#tokens.length] = token;
    this.length++;
  }

  first(most: number): number[] {
    const tokens: number[] = [];
    for (let i = 0; i < Math.min(most, this.length); i++) {
      tokens.push(this.#tokens[(this.#head + i) % this.#tokens.length] as number);
    }
    return tokens;
  }

  drop(count: number): void {
    this.#head = (this.#head + count) % this.#tokens.length;
    this.length -= count;
    this.dropped += count;
  }
}
