// A session that moves rows to the archive or takes months out of it.

import pg from 'pg';
import { sleep, type Clock } from '../clock.ts';
import { REPAIR_LOCK, tryLock } from './locks.ts';
import { KEEP_COMMITS, KEEPALIVES, pgParameters } from './session.ts';

/** Why nothing can be archived or detached now. */
export class ArchiveRefused extends Error {}

const TIMEOUT_MS = 60_000;
/** A VACUUM of a large month, or the end of somebody's old transaction. */
const LONG_MS = 6 * 3_600_000;
/** A writer that queues behind this session waits no longer than this. */
const LOCK_TIMEOUT = '100ms';

/** Months can be detached without a lock from PostgreSQL 14 on. */
const VERSION_MIN = 140_000;
/** Without the index by time each chunk would be looked for in the whole table. */
const LACK = `
  SELECT CASE
    WHEN current_setting('server_version_num')::int < ${VERSION_MIN}
      THEN 'PostgreSQL is older than version 14'
    WHEN to_regclass('archived_payments') IS NULL OR NOT EXISTS (
      SELECT FROM pg_index WHERE indexrelid = to_regclass('payments_by_time') AND indisvalid
    ) THEN 'the ledger lacks tables or indexes: make them first (npm run operate -- tables)'
  END AS lack`;

/**
 * One process has such a session at a time, and none repairs meanwhile.
 * @throws ArchiveRefused while another process does, or if the ledger is too old; others when the
 * ledger doesn't answer
 */
export async function connectArchive(url: string): Promise<pg.Client> {
  const client = new pg.Client(
    pgParameters({ url, timeoutMs: TIMEOUT_MS, name: 'repasse-archive' }),
  );
  // The next statement rejects.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(KEEP_COMMITS);
    await client.query(KEEPALIVES);
    await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
    const { rows: lacks } = await client.query<{ lack: string | null }>(LACK);
    const lack = lacks[0]?.lack ?? undefined;
    if (lack !== undefined) throw new ArchiveRefused(lack);
    const text = `SELECT ${tryLock(REPAIR_LOCK)} AS locked`;
    const { rows } = await client.query<{ locked: boolean }>(text);
    if (rows[0]?.locked === true) return client;
    throw new ArchiveRefused('rows are archived or repaired by another process');
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

const BUSY = new Set(['55P03', '40P01']);
const TRIES = 20;
const RETRY_MS = 500;

/**
 * Again while somebody else has a lock that is needed.
 * @throws ArchiveRefused when that lasts, or what `run` throws
 */
export async function patiently<T>(clock: Clock, run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      const { code, message } = error as pg.DatabaseError;
      if (!BUSY.has(code ?? '')) throw error;
      if (tries === TRIES) throw new ArchiveRefused(`a table is locked for long (${message})`);
      await sleep(clock, RETRY_MS);
    }
  }
}

/** A statement that may take hours, in no transaction, and that waits for locks for as long. */
export async function slowly(client: pg.ClientBase, text: string): Promise<void> {
  await client.query(`SET statement_timeout = ${LONG_MS}; SET lock_timeout = 0`);
  const slow: pg.QueryConfig & { query_timeout: number } = { text, query_timeout: LONG_MS };
  await client.query(slow);
  await client.query(`SET statement_timeout = ${TIMEOUT_MS}; SET lock_timeout = '${LOCK_TIMEOUT}'`);
}
