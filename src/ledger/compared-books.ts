// Reads the ledger for its comparison with the processors, in pages, on a connection of its own.

import pg from 'pg';
import { FIRST_ID, type ProcessorIndex } from '../payment.ts';
import { detachedIn } from './archive-months.ts';
import {
  IN_RANGE,
  ROW,
  rowOf,
  type BookedRow,
  type BookedSum,
  type TextRow,
} from './compared-row.ts';
import { ReportTable } from './report-table.ts';
import { PeriodSums } from './period-sums.ts';
import type { TimeRange } from './reader.ts';
import { pgParameters } from './session.ts';
import { MS, TIME } from './sql-time.ts';

export interface FoundAnomaly {
  readonly correlationId: string;
  readonly kind: string;
  readonly foundAtMs: number;
}

const CONNECT_MS = 5_000;
/** A sum over all rows of a large ledger takes its time. */
const STATEMENT_MS = 600_000;
const ANOMALIES_MAX = 1_000;

const TOTALS = `
  SELECT processor, count(*)::text AS payments, sum(amount_cents)::text AS cents
  FROM all_payments WHERE ${IN_RANGE} GROUP BY processor`;

const PAGE = `
  SELECT ${ROW} FROM all_payments
  WHERE ${IN_RANGE} AND (requested_at, correlation_id) > (${TIME('$3')}, $4)
  ORDER BY requested_at, correlation_id LIMIT $5`;

const FIND = `SELECT ${ROW} FROM all_payments WHERE correlation_id = ANY ($1::uuid[])`;

const FIND_GIVEN_UP = `
  SELECT correlation_id::text AS id FROM given_up WHERE correlation_id = ANY ($1::uuid[])`;

const GIVEN_UP = `
  SELECT correlation_id::text AS id FROM given_up
  WHERE may_be_charged AND given_up_at >= ${TIME('$1')} AND correlation_id > $2
  ORDER BY correlation_id LIMIT $3`;

const ANOMALIES = `
  SELECT correlation_id::text AS id, kind, ${MS('found_at')} AS ms FROM anomalies
  WHERE found_at >= ${TIME('$1')} ORDER BY found_at DESC LIMIT ${ANOMALIES_MAX}`;

const IDENTITY = `
  SELECT coalesce((SELECT id::text FROM ledger), '') AS ledger,
         pg_relation_filenode('payments')::text AS file`;

const NOTHING: BookedSum = { payments: 0n, cents: 0n };
/** Every method throws when the ledger doesn't answer. */
export class ComparedBooks {
  readonly report: ReportTable;
  readonly periods: PeriodSums;
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.report = new ReportTable(client);
    this.periods = new PeriodSums(client);
  }

  static async open(url: string): Promise<ComparedBooks> {
    const session = pgParameters({ url, timeoutMs: STATEMENT_MS, name: 'repasse-reconcile' });
    const client = new pg.Client({ ...session, connectionTimeoutMillis: CONNECT_MS });
    // The next statement rejects.
    client.on('error', () => {});
    await client.connect();
    return new ComparedBooks(client);
  }

  /** Changes when the ledger is another one, or was emptied or rewritten. */
  async identity(): Promise<string> {
    const [row] = await this.#rows<{ ledger: string; file: string }>(IDENTITY, []);
    return `${row?.ledger} ${row?.file}`;
  }

  /** The detached months that the range touches: their rows can't be compared. */
  detachedIn(range: TimeRange): Promise<string[]> {
    return detachedIn(this.#client, range);
  }

  async sums({ fromMs, toMs }: TimeRange): Promise<readonly [BookedSum, BookedSum]> {
    const rows = await this.#rows<TextRow & { payments: string }>(TOTALS, [fromMs, toMs]);
    const of = (processor: ProcessorIndex): BookedSum => {
      const row = rows.find((one) => one.processor === processor);
      return row ? { payments: BigInt(row.payments), cents: BigInt(row.cents) } : NOTHING;
    };
    return [of(0), of(1)];
  }

  /** Rows in the range after `last`, in order of time and id, `most` at most. */
  async page(
    { fromMs, toMs }: TimeRange,
    last: BookedRow | undefined,
    most: number,
  ): Promise<BookedRow[]> {
    const after = [last?.requestedAtMs ?? fromMs - 1, last?.correlationId ?? FIRST_ID];
    return (await this.#rows<TextRow>(PAGE, [fromMs, toMs, ...after, most])).map(rowOf);
  }

  async find(ids: readonly string[]): Promise<ReadonlyMap<string, BookedRow>> {
    const rows = await this.#rows<TextRow>(FIND, [ids]);
    return new Map(rows.map((row) => [row.id, rowOf(row)]));
  }

  /** Those of `ids` that were given up. */
  async givenUpAmong(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#rows<{ id: string }>(FIND_GIVEN_UP, [ids]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Ids that were given up since then although a processor may have charged them. */
  async givenUpSince(fromMs: number, after: string, most: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>(GIVEN_UP, [fromMs, after, most]);
    return rows.map(({ id }) => id);
  }

  /** The newest anomalies since then. */
  async anomaliesSince(fromMs: number): Promise<FoundAnomaly[]> {
    const rows = await this.#rows<TextRow & { kind: string }>(ANOMALIES, [fromMs]);
    return rows.map(({ id, kind, ms }) => ({ correlationId: id, kind, foundAtMs: ms }));
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  async #rows<T extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<T[]> {
    return (await this.#client.query<T>(text, values)).rows;
  }
}
