// The months of the archive: a partition each, whose table is named after the month. Months begin
// at midnight of UTC.

import type pg from 'pg';
import type { BookedRow } from './compared-row.ts';
import type { TimeRange } from './reader.ts';
import { TIME } from './sql-time.ts';

export interface Month {
  /** 2025-07 */
  readonly name: string;
  readonly table: string;
  readonly startMs: number;
  /** Where the next month begins. */
  readonly endMs: number;
}

/**
 * An archived month ended at least so many days ago. What relies on young rows being in `payments`
 * calls 30 days young, so that the database's clock may be wrong by days.
 */
export const ARCHIVED_DAYS = 35;

/** The month that has this moment. */
export function monthAt(ms: number): Month {
  const time = new Date(ms);
  const [year, month] = [time.getUTCFullYear(), time.getUTCMonth()];
  const name = time.toISOString().slice(0, 'YYYY-MM'.length);
  return {
    name,
    table: `archived_payments_${name.replace('-', '_')}`,
    startMs: Date.UTC(year, month),
    endMs: Date.UTC(year, month + 1),
  };
}

/** The month with this name; undefined if it is none. */
export function monthNamed(name: string): Month | undefined {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(name)) return undefined;
  return monthAt(Date.parse(`${name}-01T00:00:00Z`));
}

// ATTACH takes a lock that stands in the way of no reader or writer; CREATE TABLE …
// PARTITION OF would wait for all of them, and they for it.
const MAKE = ({ table, startMs, endMs }: Month): string => `
  BEGIN;
  CREATE TABLE ${table} (LIKE archived_payments INCLUDING DEFAULTS);
  CREATE UNIQUE INDEX ON ${table} (correlation_id);
  ALTER TABLE archived_payments ATTACH PARTITION ${table}
    FOR VALUES FROM (${LITERAL(startMs)}) TO (${LITERAL(endMs)});
  COMMIT`;
const LITERAL = (ms: number): string => `'${new Date(ms).toISOString()}'`;

const STATE = `
  SELECT inhrelid IS NOT NULL AS "isAttached", coalesce(inhdetachpending, false) AS "isPending"
  FROM pg_class LEFT JOIN pg_inherits
    ON inhrelid = pg_class.oid AND inhparent = 'archived_payments'::regclass
  WHERE pg_class.oid = to_regclass($1)`;

type State = 'absent' | 'attached' | 'half detached' | 'detached';

export async function stateOf(client: pg.ClientBase, { table }: Month): Promise<State> {
  const { rows } = await client.query<{ isAttached: boolean; isPending: boolean }>(STATE, [table]);
  const [row] = rows;
  if (row === undefined) return 'absent';
  if (row.isPending) return 'half detached';
  return row.isAttached ? 'attached' : 'detached';
}

/** Makes a month that has no table. @throws when a lock is not to be had; then nothing is made */
export async function makeMonth(client: pg.ClientBase, month: Month): Promise<void> {
  try {
    await client.query(MAKE(month));
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

const DETACHED = `
  SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM') AS name FROM detached_months
  WHERE starts_at <= ${TIME('$2')} AND ends_at > ${TIME('$1')} ORDER BY starts_at`;

/** The detached months that share a moment with the range. */
export async function detachedIn(
  client: Pick<pg.ClientBase, 'query'>,
  { fromMs, toMs }: TimeRange,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(DETACHED, [fromMs, toMs]);
  return rows.map(({ name }) => name);
}

/** Whether the month is detached, or about to be. */
export async function isNoted(client: pg.ClientBase, { startMs, endMs }: Month): Promise<boolean> {
  return (await detachedIn(client, { fromMs: startMs, toMs: endMs - 1 })).length > 0;
}

const IS_ARCHIVED = `
  SELECT EXISTS (SELECT FROM archived_payments WHERE correlation_id = $1)
    OR EXISTS (SELECT FROM detached_payment($1)) AS archived`;

/** Whether the archive has or had the payment's row, or had the month of it. */
export async function isArchived(
  client: pg.ClientBase,
  { correlationId, requestedAtMs: ms }: Pick<BookedRow, 'correlationId' | 'requestedAtMs'>,
): Promise<boolean> {
  const { rows } = await client.query<{ archived: boolean }>(IS_ARCHIVED, [correlationId]);
  if (rows[0]?.archived === true) return true;
  return (await detachedIn(client, { fromMs: ms, toMs: ms })).length > 0;
}
