// The ledger through both drivers: `pg` reads, libpq writes. Nothing is read from the ledger until
// both drivers were seen to reach the same tables, and the statement that records was tried. Until
// then payments are held and none is charged, as while the database is away.
//
//   starting ──both drivers reach the same tables, which may be written to──▶ ready
//      └─▶ tried again every half a second; the log has the reason, and again after each minute

import { randomBytes } from 'node:crypto';
import type { Anomaly } from './anomaly.ts';
import { describeAddress, readDatabaseAddress } from '../config/database-address.ts';
import { sleep, type Clock } from '../clock.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import type { RecordedAction } from './operator-action.ts';
import { FIRST_ID, type LedgerEntry } from '../payment.ts';
import { runBackgroundSteps } from './background-steps.ts';
import type { Batch } from './batch.ts';
import { UnusableLedger, explain } from './explain.ts';
import {
  connectLibpq,
  type LedgerConnection,
  type NativeConnection,
  type Writer,
} from './libpq.ts';
import type { LedgerPort } from '../ports.ts';
import { LedgerPurge } from './purge.ts';
import type { Totals } from './range-totals.ts';
import { LedgerReader, type Repair, type TimeRange } from './reader.ts';
import type { Findings } from './session.ts';
import type { PageWanted, SettledPage } from './settled-page.ts';
import { checkSlowCommits } from './slow-commits.ts';

export interface LedgerParts {
  readonly url: string;
  /** This instance's number. */
  readonly instance: number;
  /** The writer of this instance: its journal, and the ledger that the journal belongs to. */
  readonly writer: () => Writer;
  readonly timeoutMs: number;
  /**
   * A database that would lose rows in a power failure is used with an error in the log, or
   * refused.
   */
  readonly durability: 'warn' | 'require';
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_MS = 500;
const EMPTY_BATCH: Batch = {
  processor: 0,
  rows: 0,
  ids: '{}',
  amountCents: '{}',
  requestedAtMs: '{}',
};
const FIRST_MS: TimeRange = { fromMs: 0, toMs: 0 };

export class Ledger {
  readonly #parts: LedgerParts;
  readonly #reader: LedgerReader;
  #isReady = false;
  #closed = false;
  #problem = { text: '', condition: new Condition() };
  #findings = { overridden: '', risks: '' };

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#reader = new LedgerReader(parts.url, parts.timeoutMs, (error) =>
      parts.log.warn('ledger connection lost', { message: error.message }),
    );
  }

  /** The part of the ledger that an engine needs. */
  get port(): LedgerPort {
    return {
      connect: () => this.connect(),
      find: (ids) => this.find(ids),
      idsAfter: (wanted) => this.idsAfter(wanted),
      repairsAfter: (number, most) => this.repairsAfter(number, most),
      recordAnomalies: (found) => this.recordAnomalies(found),
      recordAction: async (action) => this.#readyReader().recordAction(action),
      giveUp: async (payment) => this.#readyReader().giveUp(payment),
    };
  }

  /**
   * Resolves when the ledger is ready, or closed; the database may start later than this instance.
   * `onTables` is called once, as soon as the tables exist.
   */
  async start(onTables: () => void): Promise<void> {
    const { clock, log, url } = this.#parts;
    let hasTables = false;
    while (!this.#closed) {
      try {
        const steps = await this.#reader.ensureSchema();
        if (!hasTables) onTables();
        hasTables = true;
        await this.#checkDrivers();
        this.#isReady = true;
        const where = describeAddress(readDatabaseAddress(url));
        log.info('ledger ready', { where, stepsDone: steps });
        void runBackgroundSteps({
          ...this.#parts,
          reader: this.#reader,
          isOver: () => this.#closed,
        });
        return;
      } catch (error) {
        this.#report(error);
        await sleep(clock, RETRY_MS);
      }
    }
  }

  /** A connection for this instance's writer. @throws LedgerFailure */
  async connect(): Promise<LedgerConnection> {
    try {
      const connection = await this.#open(this.#parts.writer());
      this.#problem.text = '';
      const { clock } = this.#parts;
      return checkSlowCommits(connection, { clock, find: (ids) => this.#reader.find(ids) });
    } catch (error) {
      // The batch writer reports a temporary problem itself, with the number of waiting rows.
      if (!explain(error, this.#parts.url).isTemporary) this.#report(error);
      throw error;
    }
  }

  async find(ids: readonly string[]): Promise<LedgerEntry[]> {
    return this.#readyReader().find(ids);
  }

  async idsAfter(wanted: PageWanted): Promise<SettledPage> {
    return this.#readyReader().idsAfter(wanted);
  }

  async repairsAfter(number: string, most: number): Promise<readonly Repair[]> {
    return this.#readyReader().repairsAfter(number, most);
  }

  async recordAnomalies(found: readonly Anomaly[]): Promise<void> {
    await this.#readyReader().recordAnomalies(this.#parts.instance, found);
  }

  async totals(range: TimeRange): Promise<readonly [Totals, Totals]> {
    return this.#readyReader().totals(range);
  }

  /** The latest `most` actions of operators, newest first. */
  async actions(most: number): Promise<RecordedAction[]> {
    return this.#readyReader().actions(most);
  }

  /** The latest `most` anomalies, newest first. */
  async anomalies(most: number): Promise<Record<string, unknown>[]> {
    return this.#readyReader().anomalies(most);
  }

  async isBeingPurged(): Promise<boolean> {
    return this.#reader.isBeingPurged();
  }

  /** 'busy' while another purge is under way. @throws when the ledger can't be reached */
  async beginPurge(): Promise<LedgerPurge | 'busy'> {
    return LedgerPurge.begin(this.#parts.url, this.#parts.timeoutMs);
  }

  /** Closes the reader. The caller of `connect` closes its own connection. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader.close();
  }

  #readyReader(): LedgerReader {
    if (!this.#isReady) throw new Error('the ledger is not ready');
    return this.#reader;
  }

  /** Does once what payments will need of the ledger, with nothing to record. */
  async #checkDrivers(): Promise<void> {
    await this.#reader.find([]);
    await this.#reader.totals(FIRST_MS);
    await this.#reader.idsAfter({ after: FIRST_ID, most: 1, instance: 0, instances: 1 });
    const token = randomBytes(16).toString('hex');
    // Under a name of its own: with the writer's name it would end the connection of another copy
    // of this instance, which may be the right one.
    const connection = await this.#open({ name: `proof-${token}` });
    try {
      await connection.record(EMPTY_BATCH);
      await connection.lockToken(token);
      if (!(await this.#reader.seesToken(token))) {
        throw new UnusableLedger(
          'DATABASE_URL',
          'the two drivers reach different tables or servers',
        );
      }
    } finally {
      connection.close();
    }
  }

  /** @throws LedgerFailure; UnusableLedger when the ledger's state forbids writing to it */
  async #open(writer: Writer): Promise<NativeConnection> {
    const { url, timeoutMs, clock, durability, log } = this.#parts;
    const connection = await connectLibpq(url, writer, timeoutMs, clock);
    const { risks, blockers, notEnded } = connection.findings;
    if (notEnded.length > 0) log.warn('earlier ledger connections not ended', { pids: notEnded });
    this.#logFindings(connection.findings);
    const refused = durability === 'require' ? [...blockers, ...risks] : blockers;
    if (refused.length === 0) return connection;
    connection.close();
    throw new UnusableLedger(
      blockers.length > 0 ? 'the database' : 'LEDGER_DURABILITY',
      refused.join('; '),
    );
  }

  /** Logs the problem when it begins or becomes another one, and once a minute while it lasts. */
  #report(error: unknown): void {
    const { clock, log, url } = this.#parts;
    const { isTemporary, ...details } = explain(error, url);
    const text = details.cause + details.message;
    if (text !== this.#problem.text) this.#problem = { text, condition: new Condition() };
    if (this.#problem.condition.update(true, clock.elapsed()) === undefined) return;
    if (isTemporary) log.warn('ledger unavailable', details);
    else log.error('ledger unusable', details);
  }

  /** Logs them when they change. */
  #logFindings({ overridden, risks }: Findings): void {
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
