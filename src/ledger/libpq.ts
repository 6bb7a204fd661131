// The native libpq connection that records batches: the only file that touches pg-native.
//
// What it needs care for (pg-native 3.9, libpq 1.11, each seen under test): a backend that dies mid-statement fires 'error' and never
// the callback; a reset mid-statement may fire neither; a dead client that isn't ended at once makes the next one crash the
// process; two statements at once lose the first callback. Hence: one statement at a time, a deadline of ours on each, and after
// any failure but a refusal the connection is ended first and reported broken after.

import { createRequire } from 'node:module';
import type { Clock } from '../clock.ts';
import { RECORD_BATCH, type Batch } from './batch.ts';
import {
  END_EARLIER,
  FINDINGS,
  KEEP_COMMITS,
  MARK,
  libpqParameters,
  type Findings,
} from './session.ts';

/**
 * - refused: the database answered that it won't take this statement (its SQLSTATE tells why); nothing was recorded.
 * - broken: the connection is gone and closed; whether the statement took effect is unknown.
 */
export class LedgerFailure extends Error {
  override readonly name = 'LedgerFailure';
  readonly kind: 'refused' | 'broken';
  readonly sqlState: string;

  constructor(kind: 'refused' | 'broken', message: string, sqlState = '') {
    super(message.trim());
    this.kind = kind;
    this.sqlState = sqlState;
  }
}

export interface LedgerConnection {
  /**
   * Resolves when the batch is committed, with how many of its rows were inserted: the ids of the
   * others had a row before. @throws LedgerFailure
   */
  record(batch: Batch): Promise<number>;
  close(): void;
}

/** One on a real server, which says what it found there. */
export interface NativeConnection extends LedgerConnection {
  readonly findings: Findings;
  /**
   * Leaves a mark that another connection to the same database sees, for as long as this one lives.
   * @throws LedgerFailure
   */
  leave(mark: string): Promise<void>;
}

interface NativeClient {
  readonly pq: { resultErrorFields(): { sqlState?: string } };
  /** "I" when the connection is alive and no statement is under way. */
  getTransactionStatus(): string | null;
  connect(conninfo: string, done: (error: Error | null) => void): void;
  query(text: string, done: NativeDone): void;
  prepare(name: string, text: string, parameters: number, done: NativeDone): void;
  execute(name: string, parameters: readonly string[], done: NativeDone): void;
  end(): void;
  on(event: 'error', listener: (error: Error) => void): void;
}
type NativeRow = Readonly<Record<string, string>>;
/** A string when the statement could not even be sent. */
type NativeDone = (error: Error | string | null, rows?: readonly NativeRow[]) => void;

// `import` of this CommonJS package would print a path to stdout (libpq 1.11).
const NativeClient = createRequire(import.meta.url)('pg-native') as new () => NativeClient;

const STATEMENT = 'record_batch';

/**
 * A commit that writes nothing waits for nobody, while the rows that it found may be of one that
 * was ended as it waited for a standby. This one writes an empty message to the WAL, after theirs,
 * and so is answered when both are where commits have to be.
 */
const COMMIT_WAITED_FOR = `SELECT pg_logical_emit_message(true, 'repasse', '')`;

/** Who records. */
export interface Writer {
  /** What no other writer has: which instance, with which journal. */
  readonly name: string | number;
  /** The only ledger that it records in; without one, in any. */
  readonly ledgerId?: string;
}

/**
 * A database that came in the place of another one must not have what was charged: it would be
 * missing in the right one.
 */
const isLedger = (id: string): string => `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM ledger WHERE id = '${id}') THEN
      RAISE EXCEPTION 'the database does not have the ledger ${id}';
    END IF;
  END $$`;

/**
 * Connects as this one writer: the connections that it had before are ended.
 * @throws LedgerFailure ('broken') when the database can't be reached within `timeoutMs`.
 */
export async function connectLibpq(
  url: string,
  { name, ledgerId }: Writer,
  timeoutMs: number,
  clock: Clock,
): Promise<NativeConnection> {
  const parameters = libpqParameters({ url, name: `repasse-writer-${name}`, timeoutMs });
  const connection = new LibpqConnection(timeoutMs, clock);
  await connection.open(parameters, ledgerId);
  return connection;
}

const KEPT_AFTER_END_MS = 1_000;

class LibpqConnection implements NativeConnection {
  findings: Findings = { overridden: [], risks: [], hindrances: [], unended: [] };
  readonly #client = new NativeClient();
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #closed = false;
  #fail: ((error: LedgerFailure) => void) | undefined;

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#client.on('error', (error) => this.#break(error.message));
  }

  async open(info: string, ledgerId: string | undefined): Promise<void> {
    // No deadline of ours here: connecting blocks a thread, and ending the client under it would crash.
    await new Promise<void>((resolve, reject) => {
      this.#client.connect(info, (error) => {
        if (error) this.close();
        if (error) reject(new LedgerFailure('broken', error.message));
        else resolve();
      });
    });
    try {
      if (ledgerId !== undefined) {
        await this.#statement((done) => this.#client.query(isLedger(ledgerId), done));
      }
      // One that stood still would record what we gave up whenever it goes on, after a purge too.
      // Ended, it reads nothing more.
      const earlier = await this.#rows(END_EARLIER);
      const unended = earlier.filter(({ ended }) => ended !== 'true').map(({ pid }) => Number(pid));
      this.findings = { ...(await this.#settle()), unended };
      await this.#prepare();
    } catch (error) {
      // A missing table, say: nobody would close a connection that was never handed out.
      this.close();
      throw error;
    }
  }

  async leave(mark: string): Promise<void> {
    // It stands in the statement's text.
    if (!/^[0-9a-f]+$/.test(mark)) throw new Error('a mark is of hexadecimal digits');
    const text = `SELECT pg_advisory_lock_shared(${MARK.replace('$1', `'${mark}'`)})`;
    await this.#rows(text);
  }

  record(batch: Batch): Promise<number> {
    const { processor, ids, amountCents, requestedAtMs } = batch;
    const parameters = [String(processor), ids, amountCents, requestedAtMs];
    return this.#statement((done) => this.#client.execute(STATEMENT, parameters, done)).then(
      async ([row]) => {
        const inserted = Number(row?.['inserted']);
        if (inserted === 0 && batch.rows > 0) await this.#rows(COMMIT_WAITED_FOR);
        return inserted;
      },
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.end();
    // Its handle for the event loop is part of it (libpq 1.11 src/connection.cc) and is closed only at the end of this turn: until then
    // nothing may collect it.
    this.#clock.after(KEPT_AFTER_END_MS, () => this.#client);
  }

  async #prepare(): Promise<void> {
    try {
      await this.#statement((done) => this.#client.prepare(STATEMENT, RECORD_BATCH, 4, done));
    } catch (error) {
      // A rule, say: what was found tells more than this does.
      if (this.findings.hindrances.length === 0) throw error;
    }
  }

  /** Sets what a session can set, and looks for what it can't. */
  async #settle(): Promise<Omit<Findings, 'unended'>> {
    const changed = await this.#rows(KEEP_COMMITS);
    const found = await this.#rows(FINDINGS);
    const of = (kind: string): string[] =>
      found.filter((row) => row['kind'] === kind).map((row) => String(row['finding']));
    return {
      overridden: changed.map(({ name, setting }) => `${name} was ${setting}`),
      risks: of('risk'),
      hindrances: of('hindrance'),
    };
  }

  #rows(text: string): Promise<readonly NativeRow[]> {
    return this.#statement((done) => this.#client.query(text, done));
  }

  #statement(run: (done: NativeDone) => void): Promise<readonly NativeRow[]> {
    if (this.#closed) return Promise.reject(new LedgerFailure('broken', 'connection is closed'));
    if (this.#fail) throw new Error('two statements at once');
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.after(this.#timeoutMs, () => this.#break('no answer in time'));
      this.#fail = (failure) => {
        this.#fail = undefined;
        deadline.cancel();
        reject(failure);
      };
      run((error, rows = []) => {
        if (!this.#fail) return;
        if (error) return this.#statementFailed(error);
        this.#fail = undefined;
        deadline.cancel();
        resolve(rows);
      });
    });
  }

  #statementFailed(error: Error | string): void {
    const message = typeof error === 'string' ? error : error.message;
    // A statement that didn't leave has no result; the fields would be those of an earlier refusal.
    const answered = this.#client.getTransactionStatus() === 'I';
    const sqlState = (answered && this.#client.pq.resultErrorFields().sqlState) || '';
    // Class 57 is the server going away; without a state it was the connection that spoke.
    if (sqlState === '' || sqlState.startsWith('57P') || sqlState.startsWith('08')) {
      this.#break(message);
    } else {
      this.#fail?.(new LedgerFailure('refused', message, sqlState));
    }
  }

  #break(message: string): void {
    this.close();
    this.#fail?.(new LedgerFailure('broken', message));
  }
}
