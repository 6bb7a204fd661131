// DATABASE_URL, read once into explicit values that both drivers get (ledger/session.ts). A part
// that only one driver would accept is refused by its name. A part that is missing gets its default
// here, so no driver looks into PG* variables, ~/.pgpass, a service file or ~/.postgresql.

import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** `require` encrypts, and does not check who the server is. */
type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

interface Certificate {
  readonly path: string;
  readonly text: string;
}

export interface DatabaseAddress {
  /** A name, an IP address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** '' without a password. */
  readonly password: string;
  readonly database: string;
  readonly sslMode: SslMode;
  readonly sslRootCert: Certificate | undefined;
  readonly sslCert: Certificate | undefined;
  readonly sslKey: Certificate | undefined;
  /** Settings of each session, written as on the server's command line: "-c search_path=books". */
  readonly options: string;
}

/**
 * DATABASE_URL can't be used. The message says what is wrong with it, and never shows the password.
 */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

const PARAMETERS = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'options',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
] as const;
type Parameter = (typeof PARAMETERS)[number];

/** What to use instead of a parameter that other programs accept. */
const INSTEAD: Readonly<Record<string, string>> = {
  schema: 'options=-c%20search_path=NAME chooses a schema',
  ssl: 'use sslmode',
  connect_timeout: 'use LEDGER_TIMEOUT_MS',
  statement_timeout: 'use LEDGER_TIMEOUT_MS',
};

const SSL_MODES: Readonly<Record<string, SslMode>> = {
  disable: 'disable',
  'no-verify': 'require',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

const DEFAULT_PORT = '5432';

let cached: { readonly text: string; readonly address: DatabaseAddress } | undefined;

/**
 * Reads the address and its certificate files once: what could be used at the start can be used
 * later. @throws AddressError
 */
export function readDatabaseAddress(text: string): DatabaseAddress {
  if (cached?.text !== text) cached = { text, address: parse(text) };
  return cached.address;
}

function parse(text: string): DatabaseAddress {
  if (!URL.canParse(text) || !/^postgres(ql)?:\/\//.test(text)) {
    throw new AddressError(
      'DATABASE_URL must be a postgres:// address (in a password, special characters as %XX)',
    );
  }
  const url = new URL(text);
  if (text.includes('#')) refuse('has a "#", which must be written as %23');
  const given = readParameters(url.search);
  const path = url.pathname.slice(1);
  if (path.includes('/')) refuse('has a "/" in the name of the database, or in a password: %2F');
  const take = (name: Parameter, written: string): string =>
    given.get(name) || unescaped(written, name);
  const user = take('user', url.username) || systemUser();
  const host = readHost(take('host', url.hostname.replace(/^\[(.*)\]$/, '$1')));
  return {
    host,
    port: readPort(take('port', url.port) || DEFAULT_PORT),
    user,
    password: take('password', url.password),
    database: take('dbname', path) || user,
    options: take('options', ''),
    ...readSsl(given, host.startsWith('/')),
  };
}

/** The address as text for the log, without the password. */
export function describeAddress({ host, port, user, database }: DatabaseAddress): string {
  return `database "${database}" at ${host} port ${port} as user "${user}"`;
}

/** Deletes the variables that would lead the drivers and PostgreSQL's own programs elsewhere. */
export function forgetPgVariables(environment: Record<string, string | undefined>): void {
  for (const name of Object.keys(environment)) {
    if (/^(PG|NODE_PG_)/.test(name)) delete environment[name];
  }
}

function refuse(what: string): never {
  throw new AddressError(`DATABASE_URL ${what}`);
}

function unescaped(text: string, name: string): string {
  let plain: string;
  try {
    plain = decodeURIComponent(text);
  } catch {
    return refuse(`has a "%" in its ${name} that is not part of %XX: write a plain % as %25`);
  }
  if (plain.includes('\0')) refuse(`has a zero byte in its ${name}`);
  return plain;
}

/** A "+" stays a plus, as in libpq. */
function readParameters(search: string): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const pair of search.slice(1).split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    if (!(PARAMETERS as readonly string[]).includes(name)) {
      const instead = INSTEAD[name] ?? `it may have ${PARAMETERS.join(', ')}`;
      refuse(`has the parameter "${name}", which can't be used: ${instead}`);
    }
    if (given.has(name)) refuse(`has the parameter "${name}" twice`);
    given.set(name, at < 0 ? '' : unescaped(pair.slice(at + 1), name));
  }
  return given;
}

function readHost(host: string): string {
  if (host === '') refuse('names no host (the directory of a socket is given as ?host=%2Frun%2F…)');
  if (host.includes(',')) refuse('names several hosts, must be one');
  if (host.startsWith('@')) refuse('names an abstract socket as host, must be a directory');
  return host;
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) refuse('has a port that is not a number from 1 to 65535');
  return port;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return refuse('names no user');
  }
}

type Ssl = Pick<DatabaseAddress, 'sslMode' | 'sslRootCert' | 'sslCert' | 'sslKey'>;

function readSsl(given: ReadonlyMap<string, string>, isSocket: boolean): Ssl {
  const mode = given.get('sslmode') || 'disable';
  // Only own keys: "constructor" is not a mode.
  const known = Object.hasOwn(SSL_MODES, mode) ? SSL_MODES[mode] : undefined;
  if (known === undefined) {
    return refuse(`has sslmode "${mode}", must be one of ${Object.keys(SSL_MODES).join(', ')}`);
  }
  const [sslRootCert, sslCert, sslKey] = (['sslrootcert', 'sslcert', 'sslkey'] as const).map(
    (name) => readCertificate(name, given.get(name)),
  );
  if (known === 'disable') {
    if (sslRootCert ?? sslCert ?? sslKey) refuse('has certificates, and no sslmode that uses them');
  } else if (isSocket) {
    refuse(`has sslmode "${mode}", and a Unix socket, which has no TLS`);
  }
  if (known.startsWith('verify') && !sslRootCert) {
    refuse(`has sslmode "${mode}", which needs sslrootcert: a file of the authorities to trust`);
  }
  if ((sslCert === undefined) !== (sslKey === undefined)) {
    refuse('needs sslcert and sslkey together');
  }
  // libpq checks the server's certificate if it has an authority; so `pg` has to do it too.
  const sslMode = known === 'require' && sslRootCert ? 'verify-ca' : known;
  return { sslMode, sslRootCert, sslCert, sslKey };
}

function readCertificate(name: string, path: string | undefined): Certificate | undefined {
  if (!path) return undefined;
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return refuse(`names a file as ${name} that can't be read: ${(error as Error).message}`);
  }
}
