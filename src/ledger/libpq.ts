// The native libpq connection that records batches: the only file that uses pg-native.
//
// What goes wrong with pg-native 3.9 and libpq 1.11, each seen under test: a backend that dies in a
// statement fires 'error' and never the callback; a reset in a statement may fire neither; a dead
// client that isn't ended at once makes the next one crash the process; two statements at once lose
// the first callback. So there is one statement at a time, each with a deadline. After any failure
// but a refusal, the connection is ended before it is reported as broken.

import { createRequire } from 'node:module';
import type { Clock } from '../clock.ts';
import { RECORD_BATCH, type Batch } from './batch.ts';
import {
  COMMIT_WAITED_FOR,
  END_EARLIER,
  FINDINGS,
  KEEP_COMMITS,
  TOKEN_LOCK,
  isLedger,
  libpqParameters,
  type Findings,
} from './session.ts';

/**
 * - refused: the database refused this statement, for the reason of `sqlState`; nothing was
 *   recorded.
 * - broken: the connection is lost and closed; whether the statement took effect is unknown.
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
   * Resolves when the batch is committed, with the number of rows that were inserted. The ids of
   * the other rows had a row before.
   * @throws LedgerFailure
   */
  record(batch: Batch): Promise<number>;
  close(): void;
}

/** A connection to a real server. */
export interface NativeConnection extends LedgerConnection {
  /** What the connection found at the server. */
  readonly findings: Findings;
  /**
   * Takes a lock that another connection to the same tables sees as long as this one lives. `token`
   * has hexadecimal digits only.
   * @throws LedgerFailure
   */
  lockToken(token: string): Promise<void>;
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
/** The error is a string if the statement could not be sent. */
type NativeDone = (error: Error | string | null, rows?: readonly NativeRow[]) => void;

// `import` of this CommonJS package would print a path to stdout (libpq 1.11).
const NativeClient = createRequire(import.meta.url)('pg-native') as new () => NativeClient;

const STATEMENT = 'record_batch';

/** The writer that a connection belongs to. */
export interface Writer {
  /** Unique: the instance and its journal. */
  readonly name: string | number;
  /** The only ledger that the writer may record in; without it, any ledger. */
  readonly ledgerId?: string;
}

/**
 * Connects for this writer, and ends the connections that it had before.
 * @throws LedgerFailure: 'broken' when the database can't be reached within `timeoutMs`, 'refused'
 * when it has another ledger than the writer's
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
  findings: Findings = { overridden: [], risks: [], blockers: [], notEnded: [] };
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
    // libpq's connect_timeout is the only deadline here. Connecting blocks a thread, and ending the
    // client during that would crash the process.
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
      // A connection that hangs would record what this instance gave up, as soon as it continues,
      // even after a purge. A connection that is ended reads nothing more.
      const earlier = await this.#rows(END_EARLIER);
      const notEnded = earlier
        .filter(({ ended }) => ended !== 'true')
        .map(({ pid }) => Number(pid));
      this.findings = { ...(await this.#prepareSession()), notEnded };
      await this.#prepareStatement();
    } catch (error) {
      // A table is missing, say. The caller never gets this connection, so it can't close it.
      this.close();
      throw error;
    }
  }

  async lockToken(token: string): Promise<void> {
    // The token is part of the statement's text.
    if (!/^[0-9a-f]+$/.test(token)) throw new Error('a token has hexadecimal digits only');
    const text = `SELECT pg_advisory_lock_shared(${TOKEN_LOCK.replace('$1', `'${token}'`)})`;
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
    // The client contains its handle for the event loop (libpq 1.11 src/connection.cc), which is
    // closed only at the end of this turn. Until then the client must not be collected.
    this.#clock.after(KEPT_AFTER_END_MS, () => this.#client);
  }

  async #prepareStatement(): Promise<void> {
    try {
      await this.#statement((done) => this.#client.prepare(STATEMENT, RECORD_BATCH, 4, done));
    } catch (error) {
      // A rule on the table, say: the blocker that was found explains more than this error does.
      if (this.findings.blockers.length === 0) throw error;
    }
  }

  /** Sets what a session can set, and looks for what it can't. */
  async #prepareSession(): Promise<Omit<Findings, 'notEnded'>> {
    const kept = await this.#rows(KEEP_COMMITS);
    const changed = kept.filter((row) => row['setting'] !== row['kept']);
    const found = await this.#rows(FINDINGS);
    const of = (kind: string): string[] =>
      found.filter((row) => row['kind'] === kind).map((row) => String(row['finding']));
    return {
      overridden: changed.map(({ name, setting }) => `${name} was ${setting}`),
      risks: of('risk'),
      blockers: of('blocker'),
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
    // A statement that wasn't sent has no result: the fields would be those of an earlier refusal.
    const answered = this.#client.getTransactionStatus() === 'I';
    const sqlState = (answered && this.#client.pq.resultErrorFields().sqlState) || '';
    // Class 57P: the server goes away. Class 08 and no state: the connection failed.
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
