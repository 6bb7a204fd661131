// A session with the ledger: the same address and the same settings for both drivers, whatever the
// role, the database, the environment or a file in the home directory would set.

import type pg from 'pg';
import { readDatabaseAddress, type DatabaseAddress } from '../database-address.ts';

export interface Session {
  readonly url: string;
  /** As the server shows it. */
  readonly name: string;
  readonly timeoutMs: number;
}

/**
 * What a role or a database may have set otherwise, and what that would do. Left alone: search_path
 * (it chooses the schema, for both drivers alike), session_replication_role (a table with triggers
 * is refused), and whatever only changes how fast a statement is.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // Each statement would be refused.
  default_transaction_read_only: 'off',
  // Two writers that meet would fail instead of waiting for each other.
  default_transaction_isolation: 'read committed',
  // The statement's own limit counts.
  lock_timeout: '0',
  // A policy would hide rows, and a hidden row is a second charge: like this the statement fails.
  row_security: 'off',
  // A time of a row would be rounded.
  extra_float_digits: '1',
  // A refused row would end the connection, and couldn't be told from a lost one.
  exit_on_error: 'off',
};

/** A file that can't be: libpq looks for another one in the home directory where none is named. */
const NO_FILE = '/dev/null/none';

/** For libpq, as `name='value'`. @throws AddressError */
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
    // Covers the whole connecting; it counts in seconds, 2 at least.
    connect_timeout: String(Math.max(2, Math.ceil(timeoutMs / 1000))),
    options: options(address, timeoutMs),
    // `pg` has none.
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
    // As a function: `pg` looks elsewhere for an empty one.
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

/** The address's own first: of two that set the same, the last one counts. */
function options(address: DatabaseAddress, timeoutMs: number): string {
  // A statement that we gave up must not stay behind and block its own repetition.
  const settings = { ...SETTINGS, statement_timeout: String(timeoutMs) };
  const words = Object.entries(settings).map(
    ([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`,
  );
  return [address.options, ...words].join(' ').trim();
}

/**
 * The weaker levels answer before a commit is safe. The stronger one, remote_apply, is the server's
 * own choice, and stays.
 */
const IS_WEAK = `current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')`;

/** A commit that is told is kept, and a session that is idle stays. Gives what it had to change. */
export const KEEP_COMMITS = `
  SELECT name, setting, set_config(name, CASE name WHEN 'synchronous_commit' THEN 'on' ELSE '0' END, false)
  FROM pg_settings
  WHERE (name = 'synchronous_commit' AND ${IS_WEAK})
    OR (name IN ('idle_session_timeout', 'transaction_timeout') AND setting <> '0')`;

/** Whatever acts on a row of these on its way makes a summary wrong. */
const SUMMED = `to_regclass('payments'), to_regclass('payments_per_second')`;

/**
 * What can't be set in a session and loses rows, or keeps them from being recorded:
 * - risk: when the machine or its power fails.
 * - hindrance: already when PostgreSQL is killed, or at once.
 */
export const FINDINGS = `
  SELECT kind, finding FROM (
    SELECT 'risk' AS kind, name || ' is off' AS finding, setting = 'off' AS holds
    FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')
    UNION ALL
    SELECT 'risk', 'synchronous_standby_names is set and no standby is connected: a commit waits for it',
      current_setting('synchronous_standby_names') <> '' AND NOT EXISTS (SELECT FROM pg_stat_replication)
    UNION ALL
    SELECT 'hindrance', format('trigger %I may change or drop rows of %s', tgname, tgrelid::regclass), true
    FROM pg_trigger WHERE tgrelid IN (${SUMMED}) AND NOT tgisinternal AND tgenabled <> 'D'
    UNION ALL
    SELECT 'hindrance', format('rule %I may change or drop rows of %s', rulename, ev_class::regclass), true
    FROM pg_rewrite WHERE ev_class IN (${SUMMED}) AND ev_enabled <> 'D'
    UNION ALL
    SELECT 'hindrance', 'the server is a standby', pg_is_in_recovery()
    UNION ALL
    SELECT 'hindrance', 'the server is read-only',
      current_setting('transaction_read_only') = 'on' AND NOT pg_is_in_recovery()
    UNION ALL
    SELECT 'hindrance', 'synchronous_commit is ' || current_setting('synchronous_commit'), ${IS_WEAK}
    UNION ALL
    SELECT 'hindrance', format('the table %I is UNLOGGED: a crash empties it (ALTER TABLE %1$I SET LOGGED)', relname),
      relpersistence = 'u'
    FROM pg_class WHERE oid IN (${SUMMED}, to_regclass('anomalies'), to_regclass('ledger'), to_regclass('instances'))
  ) AS looked_at WHERE holds`;

export interface Findings {
  /** "synchronous_commit was off": set right, in this session. */
  readonly overridden: readonly string[];
  readonly risks: readonly string[];
  readonly hindrances: readonly string[];
  /** Processes of earlier connections of the same name that PostgreSQL didn't end. */
  readonly unended: readonly number[];
}

/**
 * Ends the other connections of this name, as the user that logged in: with a role that the user
 * was given instead (ALTER ROLE … SET role) it may not be permitted.
 */
export const END_EARLIER = `
  WITH login AS MATERIALIZED (SELECT set_config('role', 'none', true) AS role)
  SELECT pid, pg_terminate_backend(pid)::text AS ended FROM login, pg_stat_activity
  WHERE role = 'none' AND usename = session_user AND datname = current_database() AND pid <> pg_backend_pid()
    AND application_name = current_setting('application_name')`;

/** A lock's number from a mark ($1) and the table that this session takes for `payments`. */
export const MARK = `hashtextextended($1 || 'payments'::regclass::oid::text, 0)`;

/**
 * Whether another session on this server left the mark, in this database and with the same tables.
 */
export const SEES_MARK = `
  SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND datname = current_database() AND granted AND objsubid = 1
      AND (classid::bigint << 32 | objid::bigint) = ${MARK}
  ) AS seen`;
