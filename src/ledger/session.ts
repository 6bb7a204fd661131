// A session with the ledger: both drivers get the same address and the same settings. What the
// role, the database, the environment or a file in the home directory sets is overridden, or looked
// for.

import type pg from 'pg';
import { readDatabaseAddress, type DatabaseAddress } from '../config/database-address.ts';

export interface Session {
  readonly url: string;
  /** application_name: pg_stat_activity shows it. */
  readonly name: string;
  readonly timeoutMs: number;
}

/**
 * Settings that a role or a database may have changed; each comment says what another value would
 * do. Three kinds are left alone: search_path (it chooses the schema, for both drivers alike),
 * session_replication_role (a table with triggers is refused), and settings that change only how
 * fast a statement is.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // Each statement would be refused.
  default_transaction_read_only: 'off',
  // Of two writers at one row, one would fail instead of waiting for the other.
  default_transaction_isolation: 'read committed',
  // It could end a statement before its statement_timeout.
  lock_timeout: '0',
  // A policy would hide rows, and a hidden row leads to a second charge. With 'off' the statement
  // fails.
  row_security: 'off',
  // The time of a row would be rounded.
  extra_float_digits: '1',
  // A refused row would end the connection, and look like a lost connection.
  exit_on_error: 'off',
};

/** A path that can't exist. Without a path, libpq looks for a file in the home directory. */
const NO_FILE = '/dev/null/none';

/** For libpq, as `name='value'` pairs. @throws AddressError */
export function libpqParameters({ url, name, timeoutMs }: Session): string {
  const address = readDatabaseAddress(url);
  const { sslRootCert, sslCert, sslKey } = address;
  const parameters = {
    host: address.host,
    port: String(address.port),
    user: address.user,
    password: address.password,
    passfile: NO_FILE,
    dbname: address.database,
    application_name: name,
    client_encoding: 'UTF8',
    // Limits the whole connecting; in seconds, at least 2.
    connect_timeout: String(Math.max(2, Math.ceil(timeoutMs / 1000))),
    options: options(address, timeoutMs),
    // `pg` has no GSS encryption.
    gssencmode: 'disable',
    sslmode: address.sslMode,
    sslrootcert: sslRootCert?.path ?? NO_FILE,
    sslcert: sslCert?.path ?? NO_FILE,
    sslkey: sslKey?.path ?? NO_FILE,
    sslcrl: NO_FILE,
  };
  return Object.entries(parameters)
    .map(([key, value]) => `${key}='${value.replace(/[\\']/g, '\\$&')}'`)
    .join(' ');
}

/** The same for `pg`. @throws AddressError */
export function pgParameters({ url, name, timeoutMs }: Session): pg.ClientConfig {
  const address = readDatabaseAddress(url);
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    // A function, since `pg` looks elsewhere for a password if it gets an empty text.
    password: () => address.password,
    database: address.database,
    application_name: name,
    client_encoding: 'UTF8',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    options: options(address, timeoutMs),
    ssl: pgSsl(address),
  };
}

function pgSsl(address: DatabaseAddress): pg.ClientConfig['ssl'] {
  const { sslMode, sslRootCert, sslCert, sslKey } = address;
  if (sslMode === 'disable') return false;
  return {
    rejectUnauthorized: sslMode !== 'require',
    ...(sslRootCert && { ca: sslRootCert.text }),
    ...(sslCert && { cert: sslCert.text }),
    ...(sslKey && { key: sslKey.text }),
    ...(sslMode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}

/** The options of the address come first: of two that set the same, the last one counts. */
function options(address: DatabaseAddress, timeoutMs: number): string {
  // A statement that timed out here must not go on at the server and block its own repetition.
  const settings = { ...SETTINGS, statement_timeout: String(timeoutMs) };
  const words = Object.entries(settings).map(
    ([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`,
  );
  return [address.options, ...words].join(' ').trim();
}

/**
 * The weaker levels answer before a commit is safe. A server with the stronger level, remote_apply,
 * keeps it.
 */
const IS_WEAK = `current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')`;

/**
 * A commit that was answered survives a crash of PostgreSQL, and an idle session is not ended. It
 * stays so if the server's configuration changes while the session lives. Returns each setting as
 * it was, and as it is `kept`.
 */
export const KEEP_COMMITS = `
  SELECT name, setting,
    set_config(name, CASE WHEN name <> 'synchronous_commit' THEN '0'
      WHEN ${IS_WEAK} THEN 'on' ELSE setting END, false) AS kept
  FROM pg_settings
  WHERE name IN ('synchronous_commit', 'idle_session_timeout', 'transaction_timeout')`;

/**
 * PostgreSQL ends the session of a machine that vanished, which would keep its locks for hours:
 * after `idleS` seconds of silence and `probes` probes without an answer, one each `everyS`
 * seconds.
 */
const keepalives = (idleS: number, everyS: number, probes: number): string => `
  SET tcp_keepalives_idle = ${idleS};
  SET tcp_keepalives_interval = ${everyS};
  SET tcp_keepalives_count = ${probes}`;

export const KEEPALIVES = keepalives(10, 5, 3);
/** For a session that another process waits for. */
export const QUICK_KEEPALIVES = keepalives(2, 2, 2);

/**
 * A commit that writes nothing waits for no standby. But the rows that it found may come from a
 * commit that was ended while it waited for a standby. This statement writes an empty message to
 * the WAL, behind those rows, so its commit is answered when the rows are safe too.
 */
export const COMMIT_WAITED_FOR = `SELECT pg_logical_emit_message(true, 'repasse', '')`;

/** The same where commits wait for a standby; elsewhere it writes nothing. */
export const STANDBY_WAITED_FOR = `
  ${COMMIT_WAITED_FOR} WHERE current_setting('synchronous_standby_names') <> ''`;

/**
 * Fails if the database has another ledger. A database that replaced the right one must not get the
 * rows: they would be missing in the right one.
 */
export const isLedger = (id: string): string => `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM ledger WHERE id = '${id}') THEN
      RAISE EXCEPTION 'the database does not have the ledger ${id}';
    END IF;
  END $$`;

/** A trigger or rule that changes a row of these tables makes a summary wrong. */
const SUMMED = `to_regclass('payments'), to_regclass('batch_sums'), to_regclass('payment_sums')`;

/**
 * What a session can't set, and what loses rows or keeps them from being recorded:
 * - risk: rows are lost when the machine or its power fails.
 * - blocker: rows are lost as soon as PostgreSQL is killed, or can't be recorded at all.
 */
export const FINDINGS = `
  SELECT kind, finding FROM (
    SELECT 'risk' AS kind, name || ' is off' AS finding, setting = 'off' AS holds
    FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')
    UNION ALL
    SELECT 'risk',
      'synchronous_standby_names is set and no standby is connected: a commit waits for it',
      current_setting('synchronous_standby_names') <> ''
        AND NOT EXISTS (SELECT FROM pg_stat_replication)
    UNION ALL
    SELECT 'blocker',
      format('trigger %I may change or drop rows of %s', tgname, tgrelid::regclass), true
    FROM pg_trigger WHERE tgrelid IN (${SUMMED}) AND NOT tgisinternal AND tgenabled <> 'D'
    UNION ALL
    SELECT 'blocker',
      format('rule %I may change or drop rows of %s', rulename, ev_class::regclass), true
    FROM pg_rewrite WHERE ev_class IN (${SUMMED}) AND ev_enabled <> 'D'
    UNION ALL
    SELECT 'blocker', 'the server is a standby', pg_is_in_recovery()
    UNION ALL
    SELECT 'blocker', 'the server is read-only',
      current_setting('transaction_read_only') = 'on' AND NOT pg_is_in_recovery()
    UNION ALL
    SELECT 'blocker', 'synchronous_commit is ' || current_setting('synchronous_commit'), ${IS_WEAK}
    UNION ALL
    SELECT 'blocker',
      format('the table %I is UNLOGGED: a crash empties it (ALTER TABLE %1$I SET LOGGED)', relname),
      relpersistence = 'u'
    FROM pg_class WHERE oid IN (${SUMMED}, to_regclass('anomalies'), to_regclass('ledger'),
      to_regclass('instances'))
  ) AS looked_at WHERE holds`;

export interface Findings {
  /** "synchronous_commit was off": changed for this session. */
  readonly overridden: readonly string[];
  readonly risks: readonly string[];
  readonly blockers: readonly string[];
  /** Process ids of earlier connections of the same name that PostgreSQL did not end. */
  readonly notEnded: readonly number[];
}

/**
 * Ends the other connections of this name. It runs as the user that logged in: a role that the
 * database gives this user (ALTER ROLE … SET role) may lack the permission.
 */
export const END_EARLIER = `
  WITH login AS MATERIALIZED (SELECT set_config('role', 'none', true) AS role)
  SELECT pid, pg_terminate_backend(pid)::text AS ended FROM login, pg_stat_activity
  WHERE role = 'none' AND usename = session_user AND datname = current_database()
    AND pid <> pg_backend_pid()
    AND application_name = current_setting('application_name')`;

/**
 * The number of an advisory lock, from a token ($1) and the table that this session calls
 * `payments`.
 */
export const TOKEN_LOCK = `hashtextextended($1 || 'payments'::regclass::oid::text, 0)`;

/**
 * Whether a session on this server has the token's lock, in this database and with the same tables.
 */
export const SEES_TOKEN = `
  SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND datname = current_database() AND granted AND objsubid = 1
      AND (classid::bigint << 32 | objid::bigint) = ${TOKEN_LOCK}
  ) AS seen`;
