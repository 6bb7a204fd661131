// Lines of settlement reports, in a temporary table of the session that compares. They are joined
// with the rows there, so neither side has to fit into this process.

import type pg from 'pg';
import type { ProcessorIndex } from '../payment.ts';
import { IN_RANGE, rowOf, type BookedRow, type TextRow } from './compared-row.ts';
import type { TimeRange } from './reader.ts';
import { MS, TIME } from './sql-time.ts';

/** A line of a report, and its number for messages. */
export interface ReportRow {
  readonly correlationId: string;
  readonly cents: bigint;
  readonly requestedAtMs: number;
  readonly line: number;
}

/** A line with the id of an earlier line. */
export interface RepeatedLine {
  readonly id: string;
  readonly line: number;
  readonly earlier: number;
}

/** Which page of ids. */
export interface IdPage {
  readonly after: string;
  readonly most: number;
}

const MAKE_REPORT = `
  CREATE TEMP TABLE report (
    processor smallint NOT NULL,
    correlation_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    requested_at timestamptz(3) NOT NULL,
    line bigint NOT NULL,
    PRIMARY KEY (processor, correlation_id)
  )`;

const ADD_LINES = `
  INSERT INTO report (processor, correlation_id, amount_cents, requested_at, line)
  SELECT $1, id, cents, to_timestamp(ms / 1000), line
  FROM unnest($2::uuid[], $3::bigint[], $4::float8[], $5::bigint[]) AS lines (id, cents, ms, line)
  ON CONFLICT DO NOTHING`;

const LINES = `
  SELECT correlation_id::text AS id, amount_cents::text AS cents, ${MS('requested_at')} AS ms,
         line::text
  FROM report WHERE processor = $1 AND correlation_id = ANY ($2::uuid[])`;

const HAS_NO_ROW_IN = (table: string): string => `NOT EXISTS (
      SELECT FROM ${table} AS booked
      WHERE booked.correlation_id = report.correlation_id
        AND booked.processor = report.processor AND booked.amount_cents = report.amount_cents
        AND booked.requested_at = report.requested_at
    )`;

/** Ids whose line and row are not the same. What is outside of the range is only a match. */
const UNLIKE = `
  SELECT report.correlation_id::text AS id
  FROM report
  WHERE report.processor = $3 AND report.correlation_id > $4
    AND report.requested_at >= ${TIME('$1')} AND report.requested_at <= ${TIME('$2')}
    AND ${HAS_NO_ROW_IN('payments')} AND ${HAS_NO_ROW_IN('archived_payments')}
  ORDER BY report.correlation_id LIMIT $5`;

const UNREPORTED = `
  SELECT correlation_id::text AS id FROM all_payments AS payments
  WHERE ${IN_RANGE} AND processor = $3 AND correlation_id > $4 AND NOT EXISTS (
    SELECT FROM report
    WHERE report.processor = $3 AND report.correlation_id = payments.correlation_id
  ) ORDER BY correlation_id LIMIT $5`;

export class ReportTable {
  readonly #client: pg.ClientBase;

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  async make(): Promise<void> {
    await this.#client.query(MAKE_REPORT);
  }

  /** Before the next comparison. */
  async drop(): Promise<void> {
    await this.#client.query('DROP TABLE report');
  }

  /** Resolves with the line that has the id of an earlier line, if there is one, and with both. */
  async addLines(
    processor: ProcessorIndex,
    lines: readonly ReportRow[],
  ): Promise<RepeatedLine | undefined> {
    const ids = lines.map(({ correlationId }) => correlationId);
    const { rowCount } = await this.#client.query(ADD_LINES, [
      processor,
      ids,
      lines.map(({ cents }) => String(cents)),
      lines.map(({ requestedAtMs }) => requestedAtMs),
      lines.map(({ line }) => line),
    ]);
    if (rowCount === lines.length) return undefined;
    const rows = await this.#rows<{ id: string; line: string }>(LINES, [processor, ids]);
    const kept = new Map(rows.map(({ id, line }) => [id, Number(line)]));
    const again = lines.find(({ correlationId, line }) => kept.get(correlationId) !== line);
    if (again === undefined) return undefined;
    const { correlationId: id, line } = again;
    return { line, earlier: kept.get(id) as number, id };
  }

  /** The lines of these ids in the processor's report. */
  async linesOf(
    processor: ProcessorIndex,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Omit<BookedRow, 'processor'>>> {
    const rows = await this.#rows<TextRow>(LINES, [processor, ids]);
    return new Map(rows.map((row) => [row.id, rowOf(row)]));
  }

  /** After the last line: joins are planned by what the table holds. */
  async analyze(): Promise<void> {
    await this.#client.query('ANALYZE report');
  }

  /** Ids after `after` whose line in the report is not as their row, or has no row. */
  async unlike(
    processor: ProcessorIndex,
    { fromMs, toMs }: TimeRange,
    { after, most }: IdPage,
  ): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>(UNLIKE, [fromMs, toMs, processor, after, most]);
    return rows.map(({ id }) => id);
  }

  /** Ids after `after` of rows of the processor that its report lacks. */
  async unreported(
    processor: ProcessorIndex,
    { fromMs, toMs }: TimeRange,
    { after, most }: IdPage,
  ): Promise<string[]> {
    const values = [fromMs, toMs, processor, after, most];
    return (await this.#rows<{ id: string }>(UNREPORTED, values)).map(({ id }) => id);
  }

  async #rows<T extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<T[]> {
    return (await this.#client.query<T>(text, values)).rows;
  }
}
