// ADMIN_LISTEN: a port or the path of a Unix socket, and never the path of something else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenFault, readAdminAddresses } from '../../src/config/admin-address.ts';
import { ConfigError, readConfig } from '../../src/config/config.ts';

test('a port of a host, or an absolute path, or several', () => {
  const port = { host: '127.0.0.1', port: 9101 };
  assert.deepEqual(readAdminAddresses('127.0.0.1:9101'), [port]);
  assert.deepEqual(readAdminAddresses('localhost:1'), [{ host: 'localhost', port: 1 }]);
  assert.deepEqual(readAdminAddresses('[::1]:65535'), [{ host: '::1', port: 65_535 }]);
  assert.deepEqual(readAdminAddresses('/run/admin.sock'), [{ path: '/run/admin.sock' }]);
  const both = [{ path: '/run/admin.sock' }, port];
  assert.deepEqual(readAdminAddresses('/run/admin.sock,127.0.0.1:9101'), both);
});

for (const text of [
  '9101',
  ':9101',
  'localhost',
  'localhost:0',
  'localhost:65536',
  '::1:9101',
  'http://127.0.0.1:9101',
  'run/admin.sock',
  `/${'x'.repeat(107)}`,
  '/run/a,9101',
  '/run/a,',
  '/run/a,/run/a',
  '/a,/b,/c,/d,/e',
]) {
  test(`${text.slice(0, 30)} is refused`, () => {
    assert.equal(typeof readAdminAddresses(text), 'string');
  });
}

test('the path of the journal or of an instance is refused by name', () => {
  const env = {
    SOCKET_PATH: '/run/a.sock',
    PEER_SOCKET_PATHS: '/run/a.sock,/run/b.sock',
    JOURNAL_PATH: '/run/a.journal',
    DATABASE_URL: 'postgres://localhost/none',
    PROCESSOR_DEFAULT_URL: 'http://127.0.0.1:1',
    PROCESSOR_FALLBACK_URL: 'http://127.0.0.1:1',
  };
  assert.equal(readConfig({ ...env, ADMIN_LISTEN: '/run/c.sock' }).ADMIN_LISTEN, '/run/c.sock');
  for (const path of [
    '/run/a.sock',
    '/run/b.sock',
    '/run/a.journal',
    '9101',
    '/run/c.sock,/run/a.sock',
  ]) {
    assert.throws(
      () => readConfig({ ...env, ADMIN_LISTEN: path }),
      (error) => error instanceof ConfigError && error.message.startsWith('ADMIN_LISTEN '),
      path,
    );
  }
});

test('a token that is short, or that no header can carry, is refused and not repeated', () => {
  assert.equal(tokenFault(''), undefined);
  assert.equal(tokenFault('0123456789abcdef'), undefined);
  for (const token of [
    '0123456789abcde',
    '0123456789 abcdef',
    'ação0123456789abcdef',
    '\n'.repeat(20),
  ]) {
    const fault = tokenFault(token);
    assert.ok(fault !== undefined && !fault.includes(token), token);
  }
});
