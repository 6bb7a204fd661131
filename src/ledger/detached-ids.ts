// What is kept of a detached month: each id with its processor, amount and time, packed. An id that
// comes again is known by it for good, and it takes a third of the disk that rows in the archive
// take.

import type pg from 'pg';
import type { Month } from './archive-months.ts';
import { TIME } from './sql-time.ts';

/** Ids of one row. Four rows fill a page of the table, and none is long enough to be compressed. */
export const PACKED_IDS = 54;
const ROWS = 100 * PACKED_IDS;

/** $1 the month's begin, $2 the id after which to go on; undefined at first. */
const PACK = (table: string): string => `
  WITH chunk AS MATERIALIZED (
    SELECT * FROM ${table} WHERE $2::uuid IS NULL OR correlation_id > $2
    ORDER BY correlation_id LIMIT ${ROWS}
  ), placed AS (
    SELECT *, (row_number() OVER (ORDER BY correlation_id) - 1) / ${PACKED_IDS} AS pack FROM chunk
  ), packed AS (
    INSERT INTO detached_ids (starts_at, first_id, ids, processors, amounts_cents, times)
    SELECT ${TIME('$1')}, (array_agg(correlation_id ORDER BY correlation_id))[1],
           array_agg(correlation_id ORDER BY correlation_id),
           array_agg(processor ORDER BY correlation_id),
           array_agg(amount_cents ORDER BY correlation_id),
           array_agg(requested_at ORDER BY correlation_id)
    FROM placed GROUP BY pack
  )
  SELECT correlation_id::text AS last FROM chunk ORDER BY correlation_id DESC LIMIT 1`;

/** The month's next ids after this one; resolves with the last of them, undefined at the end. */
export async function packIds(
  client: pg.ClientBase,
  { table, startMs }: Month,
  after: string | undefined,
): Promise<string | undefined> {
  const { rows } = await client.query<{ last: string }>(PACK(table), [startMs, after]);
  return rows[0]?.last;
}

const NOTE = (table: string): string => `
  INSERT INTO detached_months (starts_at, ends_at)
  SELECT ${TIME('$1')}, ${TIME('$2')}
  WHERE (SELECT count(*) FROM ${table}) = (
    SELECT coalesce(sum(cardinality(ids)), 0) FROM detached_ids WHERE starts_at = ${TIME('$1')}
  ) ON CONFLICT (starts_at) DO UPDATE SET detached_at = now()`;

/**
 * From now on the month's ids are known without its rows, and its sums are no longer compared with
 * them. Resolves with false, and does nothing, if the packed ids are not those of its rows.
 */
export async function noteDetached(
  client: pg.ClientBase,
  { table, startMs, endMs }: Month,
): Promise<boolean> {
  return (await client.query(NOTE(table), [startMs, endMs])).rowCount === 1;
}

const FORGET = `
  DELETE FROM detached_ids WHERE starts_at = ${TIME('$1')}
    AND NOT EXISTS (SELECT FROM detached_months WHERE starts_at = ${TIME('$1')})`;

/** Takes back what was packed of a month that is not noted: its rows are in the archive. */
export async function forgetPacked(client: pg.ClientBase, { startMs }: Month): Promise<void> {
  await client.query(FORGET, [startMs]);
}
