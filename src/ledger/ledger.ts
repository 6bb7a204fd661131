// The ledger through both drivers: `pg` reads, libpq writes. Until each of them has been seen to
// reach the same tables, and the statement that records has been tried, nothing is read from it: so
// payments are held, as while the database is away, and none is charged.
//
//   started ──▶ proving ──both reach the same, and it may be written to──▶ proved
//                └─▶ the log says why not, again after a minute; tried again every half a second

import { randomBytes } from 'node:crypto';
import type { Anomaly } from '../anomaly.ts';
import { describeAddress, readDatabaseAddress } from '../database-address.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { LedgerRow } from '../payment.ts';
import type { Batch } from './batch.ts';
import { LedgerUnfit, explain } from './explain.ts';
import {
  connectLibpq,
  type LedgerConnection,
  type NativeConnection,
  type Writer,
} from './libpq.ts';
import type { LedgerPort } from '../ports.ts';
import { LedgerPurge } from './purge.ts';
import { LedgerReader, type TimeRange, type Totals } from './reader.ts';
import type { Findings } from './session.ts';

export interface LedgerParts {
  readonly url: string;
  /** This instance's number. */
  readonly instance: number;
  /** The one writer of this instance, as it is known now. */
  readonly writer: () => Writer;
  readonly timeoutMs: number;
  /**
   * Whether a database that would lose rows in a power failure is used, with a word in the log, or
   * refused.
   */
  readonly durability: 'warn' | 'require';
  readonly clock: Clock;
  readonly log: Log;
}

const SCHEMA = new URL('./schema.sql', import.meta.url);
const RETRY_MS = 500;
/** What goes on is said again. */
const SAID_EVERY_MS = 60_000;
const NOTHING: Batch = { processor: 0, rows: 0, ids: '{}', amountCents: '{}', requestedAtMs: '{}' };
const NOW: TimeRange = { fromMs: 0, toMs: 0 };
const NO_ID = '00000000-0000-0000-0000-000000000000';

export class Ledger {
  readonly #parts: LedgerParts;
  readonly #reader: LedgerReader;
  #proved = false;
  #closed = false;
  #trouble = { text: '', saidMs: 0 };
  #findings = { overridden: '', risks: '' };

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#reader = new LedgerReader(parts.url, parts.timeoutMs, (error) =>
      parts.log.warn('ledger connection lost', { message: error.message }),
    );
  }

  /** What an engine needs of it. */
  get port(): LedgerPort {
    return {
      connect: () => this.connect(),
      find: (ids) => this.find(ids),
      idsAfter: (id, most) => this.idsAfter(id, most),
      recordAnomalies: (found) => this.recordAnomalies(found),
    };
  }

  /**
   * Resolves when it is proved, or closed. The database may come later than we do. `onTables`: its
   * tables are there.
   */
  async start(onTables: () => void): Promise<void> {
    const { clock, log, url } = this.#parts;
    let hasTables = false;
    while (!this.#closed) {
      try {
        const steps = await this.#reader.ensureSchema(SCHEMA);
        if (!hasTables) onTables();
        hasTables = true;
        await this.#prove();
        this.#proved = true;
        const where = describeAddress(readDatabaseAddress(url));
        log.info('ledger ready', { where, stepsDone: steps });
        return;
      } catch (error) {
        this.#say(error);
        await sleep(clock, RETRY_MS);
      }
    }
  }

  /** A connection for the one writer. @throws LedgerFailure */
  async connect(): Promise<LedgerConnection> {
    try {
      const connection = await this.#open(this.#parts.writer());
      this.#trouble.text = '';
      return connection;
    } catch (error) {
      // What may pass is told by the writer, with the rows that wait.
      if (!explain(error, this.#parts.url).passes) this.#say(error);
      throw error;
    }
  }

  async find(ids: readonly string[]): Promise<LedgerRow[]> {
    return this.#proven().find(ids);
  }

  async idsAfter(id: string, most: number): Promise<string[]> {
    return this.#proven().idsAfter(id, most);
  }

  async recordAnomalies(found: readonly Anomaly[]): Promise<void> {
    await this.#proven().recordAnomalies(this.#parts.instance, found);
  }

  async totals(range: TimeRange): Promise<readonly [Totals, Totals]> {
    return this.#proven().totals(range);
  }

  async isBeingPurged(): Promise<boolean> {
    return this.#reader.isBeingPurged();
  }

  /** @throws when the ledger can't be reached */
  async beginPurge(): Promise<LedgerPurge | 'busy'> {
    return LedgerPurge.begin(this.#parts.url, this.#parts.timeoutMs);
  }

  /**
   * For a ledger that ends before its process does; a connection that was given away is its
   * owner's.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader.close();
  }

  #proven(): LedgerReader {
    if (!this.#proved) throw new Error('the ledger is not ready');
    return this.#reader;
  }

  /** Everything that payments will need of it, once, with nothing to record. */
  async #prove(): Promise<void> {
    await this.#reader.find([]);
    await this.#reader.totals(NOW);
    await this.#reader.idsAfter(NO_ID, 1);
    const mark = randomBytes(16).toString('hex');
    // Not as the writer: a connection with its name would end the one of another copy of this
    // instance, which may be the right one.
    const connection = await this.#open({ name: `proof-${mark}` });
    try {
      await connection.record(NOTHING);
      await connection.leave(mark);
      if (!(await this.#reader.sees(mark))) {
        throw new LedgerUnfit('DATABASE_URL', 'the two drivers reach different tables or servers');
      }
    } finally {
      connection.close();
    }
  }

  /** @throws LedgerFailure also when it may not be written to as it is */
  async #open(writer: Writer): Promise<NativeConnection> {
    const { url, timeoutMs, clock, durability, log } = this.#parts;
    const connection = await connectLibpq(url, writer, timeoutMs, clock);
    const { risks, hindrances, unended } = connection.findings;
    if (unended.length > 0) log.warn('earlier ledger connections not ended', { pids: unended });
    this.#sayFindings(connection.findings);
    const refused = durability === 'require' ? [...hindrances, ...risks] : hindrances;
    if (refused.length === 0) return connection;
    connection.close();
    throw new LedgerUnfit(
      hindrances.length > 0 ? 'the database' : 'LEDGER_DURABILITY',
      refused.join('; '),
    );
  }

  /** Once, and when it is another trouble, and again after a minute. */
  #say(error: unknown): void {
    const { clock, log, url } = this.#parts;
    const { passes, ...trouble } = explain(error, url);
    const text = trouble.cause + trouble.message;
    const nowMs = clock.elapsed();
    if (text === this.#trouble.text && nowMs - this.#trouble.saidMs < SAID_EVERY_MS) return;
    this.#trouble = { text, saidMs: nowMs };
    if (passes) log.warn('ledger unavailable', trouble);
    else log.error('ledger unusable', trouble);
  }

  /** When they change. */
  #sayFindings({ overridden, risks }: Findings): void {
    const { log, durability } = this.#parts;
    const found = { overridden: overridden.join('; '), risks: risks.join('; ') };
    if (found.overridden !== this.#findings.overridden && overridden.length > 0) {
      log.warn('ledger settings overridden', { settings: overridden });
    }
    if (found.risks !== this.#findings.risks) {
      if (risks.length > 0) log.error('ledger may lose rows', { settings: risks, durability });
      else log.info('ledger keeps rows again');
    }
    this.#findings = found;
  }
}
