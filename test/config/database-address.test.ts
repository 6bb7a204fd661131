// DATABASE_URL means the same to both drivers. What can't be given to both is refused by its name,
// without the password.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  AddressError,
  describeAddress,
  forgetPgVariables,
  readDatabaseAddress,
  type DatabaseAddress,
} from '../../src/config/database-address.ts';
import { libpqParameters, pgParameters } from '../../src/ledger/session.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';

const PLAIN = 'postgres://user:s3cret@db.example:5433/books';

function reads(url: string, expected: Partial<DatabaseAddress>): void {
  const address = readDatabaseAddress(url);
  const seen = Object.keys(expected).map((name) => [name, address[name as keyof DatabaseAddress]]);
  assert.deepEqual(Object.fromEntries(seen), expected, url);
}

function refuses(url: string, message: RegExp): void {
  assert.throws(
    () => readDatabaseAddress(url),
    (error) => {
      assert.ok(error instanceof AddressError, String(error));
      assert.match(error.message, /^DATABASE_URL /);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    },
    url,
  );
}

test('each part of an address has one value, given or not', () => {
  reads(PLAIN, {
    host: 'db.example',
    port: 5433,
    user: 'user',
    password: 's3cret',
    database: 'books',
    sslMode: 'disable',
    options: '',
  });
  const system = userInfo().username;
  reads('postgresql://h', { host: 'h', port: 5432, user: system, password: '', database: system });
  reads('postgres://u@[::1]:6000/', { host: '::1', port: 6000, database: 'u' });
  reads('postgres://u:p%40%2F%23%20@h/a%20b', { password: 'p@/# ', database: 'a b' });
  reads('postgres://u@%2Frun%2Fpg/x', { host: '/run/pg', port: 5432 });
  reads('postgres://u:a@localhost/x?host=%2Frun%2Fpg&port=6000&password=a+b&user=v&dbname=y', {
    host: '/run/pg',
    port: 6000,
    user: 'v',
    password: 'a+b',
    database: 'y',
  });
  assert.equal(
    describeAddress(readDatabaseAddress(PLAIN)),
    'database "books" at db.example port 5433 as user "user"',
  );
});

const tail = (parameters: string): string => `${PLAIN}?${parameters}`;

test('what no driver or only one of them would take is refused by its name', () => {
  refuses(tail('schema=public'), /"schema".*options=-c%20search_path=NAME/);
  refuses(tail('ssl=true'), /"ssl".*sslmode/);
  for (const name of ['hostaddr', 'service', 'passfile', 'uselibpqcompat', 'pgbouncer', 'sslcrl']) {
    refuses(tail(`${name}=s3cret`), new RegExp(`"${name}"`));
  }
  for (const name of ['target_session_attrs', 'channel_binding', 'application_name', 'HOST']) {
    refuses(tail(`${name}=x`), new RegExp(`"${name}"`));
  }
  refuses(tail('connect_timeout=9'), /"connect_timeout".*LEDGER_TIMEOUT_MS/);
  refuses(tail('port=1&port=2'), /"port" twice/);
  for (const mode of ['prefer', 'allow', 'sometimes', 'constructor']) {
    refuses(tail(`sslmode=${mode}`), /sslmode ".*must be one of disable, no-verify, require/);
  }
  refuses(tail('sslmode=verify-full'), /sslrootcert/);
  refuses(tail('sslrootcert=/nowhere/ca&sslmode=require'), /sslrootcert.*can't be read/);
  refuses('postgres://u@localhost/x?host=%2Frun&sslmode=require', /Unix socket/);
  refuses('postgres://u@a,b/x', /several hosts/);
  refuses('postgres://u@h/x?host=a,b', /several hosts/);
  refuses('postgres:///x', /names no host/);
  refuses('postgres://u@h:0/x', /port/);
  refuses('postgres://u@h/x?port=99999', /port/);
  refuses('postgres://u:s3cret%@h/x', /"%" in its password/);
  refuses('postgres://u@h/x%00', /zero byte in its dbname/);
  // A password with special characters in it, written as it is.
  refuses('postgres://u:s3cret/@h/x', /must be a postgres:\/\/ address.*%XX/);
  refuses('postgres://u:12/s3cret@h/x', /"\/"/);
  refuses('postgres://u:12#s3cret@h/x', /"#"/);
  refuses('mysql://u:s3cret@h/x', /must be a postgres/);
});

const session = (url: string) => ({ url, name: 'repasse-test', timeoutMs: 1_500 });

/** What libpq is given, by its name. */
const native = (url: string): Record<string, string> =>
  Object.fromEntries(
    [...libpqParameters(session(url)).matchAll(/(\w+)='((?:[^'\\]|\\.)*)'/g)].map((match) => [
      match[1] as string,
      (match[2] as string).replace(/\\(.)/g, '$1'),
    ]),
  );

test('both drivers get the same host, port, user, password, database, options and TLS', () => {
  const directory = makeTempDirectory();
  const ca = join(directory, 'ca.crt');
  writeFileSync(ca, 'an authority');
  const url = `postgres://u:it's%5C@h:6000/d?options=-c%20search_path=books`;
  const pg = pgParameters(session(url));
  const libpq = native(url);
  assert.equal((pg.password as () => string)(), `it's\\`);
  const { host, port, user, password, dbname, options, application_name } = libpq;
  assert.deepEqual(
    { host, port, user, password, dbname, options, application_name },
    {
      host: pg.host,
      port: String(pg.port),
      user: pg.user,
      password: `it's\\`,
      dbname: pg.database,
      options: pg.options,
      application_name: pg.application_name,
    },
  );
  assert.match(pg.options as string, /^-c search_path=books .*-c statement_timeout=1500$/);

  const modes = {
    disable: false,
    'no-verify': { rejectUnauthorized: false },
    require: { rejectUnauthorized: false },
  } as const;
  for (const [mode, ssl] of Object.entries(modes)) {
    assert.deepEqual(pgParameters(session(`${PLAIN}?sslmode=${mode}`)).ssl, ssl);
  }
  assert.equal(native(`${PLAIN}?sslmode=no-verify`)['sslmode'], 'require');
  const checked = `${PLAIN}?sslrootcert=${encodeURIComponent(ca)}&sslmode=`;
  for (const [mode, taken] of Object.entries({
    require: 'verify-ca',
    'verify-ca': 'verify-ca',
    'verify-full': 'verify-full',
  })) {
    const ssl = pgParameters(session(`${checked}${mode}`)).ssl as Record<string, unknown>;
    assert.equal(ssl['rejectUnauthorized'], true);
    assert.equal(ssl['ca'], 'an authority');
    assert.equal('checkServerIdentity' in ssl, taken === 'verify-ca');
    const { sslmode, sslrootcert } = native(`${checked}${mode}`);
    assert.deepEqual({ sslmode, sslrootcert }, { sslmode: taken, sslrootcert: ca });
  }
});

test('PG* variables are removed, others stay', () => {
  const environment = { PGPORT: '1', PGHOSTADDR: 'x', NODE_PG_FORCE_NATIVE: '1', PATH: '/bin' };
  forgetPgVariables(environment);
  assert.deepEqual(environment, { PATH: '/bin' });
});
