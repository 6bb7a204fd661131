// Where the database is: DATABASE_URL, read once into explicit values that both drivers are given
// alike (ledger/session.ts). What one of them would take and the other one not is refused here, by
// its name. What was not given is decided here too: no driver looks into PG* variables, ~/.pgpass,
// a service file or ~/.postgresql.

import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** `require` encrypts and checks nothing. */
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
  /** Empty: there is none. */
  readonly password: string;
  readonly database: string;
  readonly sslMode: SslMode;
  readonly sslRootCert: Certificate | undefined;
  readonly sslCert: Certificate | undefined;
  readonly sslKey: Certificate | undefined;
  /** Settings of each session, as on the server's command line: "-c search_path=books". */
  readonly options: string;
}

/**
 * DATABASE_URL can't be used; the message names it and what is wrong with it, and never has the
 * password.
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

/** What to write instead of a parameter that is common elsewhere. */
const INSTEAD: Readonly<Record<string, string>> = {
  schema: 'options=-c%20search_path=NAME chooses a schema',
  ssl: 'sslmode says it',
  connect_timeout: 'LEDGER_TIMEOUT_MS says it',
  statement_timeout: 'LEDGER_TIMEOUT_MS says it',
};

const SSL_MODES: Readonly<Record<string, SslMode>> = {
  disable: 'disable',
  'no-verify': 'require',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

const DEFAULT_PORT = '5432';

let read: { readonly text: string; readonly address: DatabaseAddress } | undefined;

/** Read once, and its files too: what was good at the start stays so. @throws AddressError */
export function readDatabaseAddress(text: string): DatabaseAddress {
  if (read?.text !== text) read = { text, address: parse(text) };
  return read.address;
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

/** For people: without the password. */
export function describeAddress({ host, port, user, database }: DatabaseAddress): string {
  return `database "${database}" at ${host} port ${port} as user "${user}"`;
}

/** What would lead the drivers, PostgreSQL's own programs and their children elsewhere. */
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
    return refuse(`has a "%" in its ${name} that is no %XX: a plain one is %25`);
  }
  if (plain.includes('\0')) refuse(`has a zero byte in its ${name}`);
  return plain;
}

/** A "+" is a plus, as for libpq. */
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
  if (port < 1 || port > 65_535) refuse('has a port that is none: 1 to 65535');
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
  // By its own keys only: "constructor" is no mode.
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
  // libpq checks the server whenever it knows an authority; so both do.
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
