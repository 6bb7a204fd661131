// The advisory locks. PostgreSQL has them by database, and a database may have several ledgers, one
// in each schema. So a lock's key contains the schema's name. It doesn't contain the number of a
// table: a restore gives the tables other numbers, and the lock of a session that was there before
// must still count.
//
// Earlier versions have one fixed key for each lock, and may run beside this one during an upgrade.
// This version takes that key as well, shared: the processes of several ledgers can share it, and
// an earlier version takes it alone. So of two processes of both versions only one has the lock.

export interface AdvisoryLock {
  /** Says what is locked, as SQL; it may use parameters. */
  readonly what: string;
  /** The key of earlier versions, or its first half. */
  readonly number: number;
  /** The second half of that key, as SQL. */
  readonly part?: string;
}

/** The parameter of a lock that there is several times: the number of an instance or a shard. */
const NUMBER = '$1::int';

export const LEADER_LOCK: AdvisoryLock = { what: `'leader'`, number: 7_200_326 };
export const PURGE_LOCK: AdvisoryLock = { what: `'purge'`, number: 7_200_327 };
export const PLACE_LOCK: AdvisoryLock = {
  what: `'place ' || ${NUMBER}`,
  number: 7_200_328,
  part: NUMBER,
};
export const REPAIR_LOCK: AdvisoryLock = { what: `'repair'`, number: 7_200_329 };
export const SHARD_LOCK: AdvisoryLock = {
  what: `'shard ' || ${NUMBER}`,
  number: 7_200_329,
  part: NUMBER,
};

/** Where this session finds the ledger's tables, or would make them. */
const SCHEMA = `coalesce(
    (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('ledger')),
    current_schema())`;

const keyOf = ({ what }: AdvisoryLock): string =>
  `hashtextextended('repasse ' || ${what} || ' ' || ${SCHEMA}, 0)`;

const earlierKeyOf = ({ number, part }: AdvisoryLock): string =>
  part === undefined ? String(number) : `${number}, ${part}`;

/** Whether the session has the lock now, as SQL. */
export const tryLock = (lock: AdvisoryLock): string => `
  CASE WHEN pg_try_advisory_lock(${keyOf(lock)}) THEN
    CASE WHEN pg_try_advisory_lock_shared(${earlierKeyOf(lock)}) THEN true
      ELSE NOT pg_advisory_unlock(${keyOf(lock)}) END
  ELSE false END`;

/** The same until the transaction ends, for one of those that have the lock together. */
export const tryShare = (lock: AdvisoryLock): string => `
  CASE WHEN pg_try_advisory_xact_lock_shared(${keyOf(lock)})
    THEN pg_try_advisory_xact_lock_shared(${earlierKeyOf(lock)}) ELSE false END`;

/** Whether a row of pg_locks is of a session that has the lock alone, as SQL. */
export function isHolder(lock: AdvisoryLock): string {
  const { number, part } = lock;
  const earlier =
    part === undefined
      ? `objsubid = 1 AND classid = 0 AND objid = ${number}`
      : `objsubid = 2 AND classid = ${number} AND objid::bigint = ${part}`;
  return `
    locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (
      (objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = ${keyOf(lock)})
      OR (${earlier})
    )`;
}
