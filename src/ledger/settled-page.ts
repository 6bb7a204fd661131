// Settled ids in pages, packed: millions of them are read at a start, and an object for each one
// would cost intake its CPU. The database leaves out the ids of other instances.

import type pg from 'pg';
import { LAST_ID, type IdWords } from '../payment.ts';
import { PACKED_IDS } from './detached-ids.ts';

/** A part of the settled ids, in order. */
export interface SettledPage {
  /** Four words each. */
  readonly ids: IdWords;
  /** The next page begins after this id; undefined after the last page. */
  readonly last: string | undefined;
}

export interface PageWanted {
  /** The page begins after this id. */
  readonly after: string;
  /** How many ids are looked at, at most. */
  readonly most: number;
  /** Whose ids: those that this instance of so many owns. */
  readonly instance: number;
  readonly instances: number;
}

const UP_TO_BOUND = (id: string): string =>
  `${id} > $1 AND ${id} <= coalesce((SELECT bound.id FROM bound), '${LAST_ID}')`;

const IDS_OF = (table: string): string => `
    (SELECT correlation_id FROM ${table}
     WHERE ${UP_TO_BOUND('correlation_id')} ORDER BY correlation_id LIMIT $2)`;

// The owner follows from an id's last digit (ownerOf in payment.ts). Ids of detached months are
// packed. So that few of them are unpacked, a page ends at the latest where one of the next packs
// begins, the bound.
const PAGE = `
  WITH bound AS MATERIALIZED (
    SELECT first_id AS id FROM detached_ids WHERE first_id > $1
    ORDER BY first_id OFFSET $2::int / ${PACKED_IDS} LIMIT 1
  ), packed AS (
    SELECT ids FROM detached_ids WHERE ${UP_TO_BOUND('first_id')}
    UNION ALL
    SELECT first.ids FROM detached_months CROSS JOIN LATERAL (
      SELECT ids FROM detached_ids
      WHERE detached_ids.starts_at = detached_months.starts_at AND first_id <= $1
      ORDER BY first_id DESC LIMIT 1
    ) AS first
  ), page AS MATERIALIZED (${IDS_OF('payments')}
    UNION ALL${IDS_OF('archived_payments')}
    UNION ALL${IDS_OF('given_up')}
    UNION ALL
    (SELECT id FROM packed CROSS JOIN LATERAL unnest(ids) AS id
     WHERE ${UP_TO_BOUND('id')} ORDER BY id LIMIT $2)
    ORDER BY correlation_id LIMIT $2
  )
  SELECT string_agg(uuid_send(correlation_id), ''::bytea) FILTER (
      WHERE (get_byte(uuid_send(correlation_id), 15) & 15) % $4::int = $3::int
    ) AS ids,
    coalesce(
      (SELECT correlation_id FROM page ORDER BY correlation_id OFFSET $2::int - 1 LIMIT 1),
      (SELECT bound.id FROM bound)
    )::text AS last
  FROM page`;

/** Ids that are settled or given up. One whose row is being moved may come twice. */
export async function settledPage(
  pool: Pick<pg.Pool, 'query'>,
  { after, most, instance, instances }: PageWanted,
): Promise<SettledPage> {
  const { rows } = await pool.query<{ ids: Buffer | null; last: string | null }>({
    name: 'settled-page',
    text: PAGE,
    values: [after, most, instance, instances],
  });
  const [{ ids, last } = { ids: null, last: null }] = rows;
  return { ids: wordsOf(ids ?? Buffer.alloc(0)), last: last ?? undefined };
}

function wordsOf(bytes: Buffer): IdWords {
  const words = new Uint32Array(bytes.length / 4);
  const copy = Buffer.from(words.buffer);
  bytes.copy(copy);
  // An id's words are big-endian, this machine's aren't.
  copy.swap32();
  return words;
}
