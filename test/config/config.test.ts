// Settings: each bound, and each rule between two settings, holds and names its setting.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  ConfigError,
  instanceCount,
  instanceNumber,
  readConfig,
  renamedIn,
} from '../../src/config/config.ts';
import { NGINX_PAYMENT_MS, NGINX_READ_MS, OFFER_MS } from '../../src/config/bounds.ts';
import { RENAMED_SETTINGS, SETTINGS } from '../../src/config/settings.ts';

const GIVEN = {
  SOCKET_PATH: '/run/a.sock',
  JOURNAL_PATH: '/run/a.journal',
  DATABASE_URL: 'postgres://user:secret@localhost:5432/repasse',
  PROCESSOR_DEFAULT_URL: 'http://127.0.0.1:8001',
  PROCESSOR_FALLBACK_URL: 'http://127.0.0.1:8002',
};

const ALL = Object.entries(SETTINGS);
const NUMBERS = ALL.flatMap(([name, one]) => ('preset' in one ? [{ name, ...one }] : []));
const WORDS = ALL.flatMap(([name, one]) => ('words' in one ? [{ name, ...one }] : []));
const TEXTS = ALL.flatMap(([name, one]) =>
  'preset' in one || 'words' in one || one.isOptional ? [] : [name],
);

const valueOf = (config: object, name: string): unknown => Reflect.get(config, name);

function refuses(env: Readonly<Record<string, string>>, message: RegExp): void {
  assert.throws(
    () => readConfig({ ...GIVEN, ...env }),
    (error) => error instanceof ConfigError && message.test(error.message),
    JSON.stringify(env),
  );
}

test('what is not set has its default', () => {
  const config = readConfig(GIVEN);
  for (const { name, preset } of NUMBERS) assert.equal(valueOf(config, name), preset, name);
  for (const { name, words } of WORDS) assert.equal(valueOf(config, name), words[0], name);
  assert.deepEqual(config.PEER_SOCKET_PATHS, ['/run/a.sock']);
});

test('an empty setting counts as not set', () => {
  const empty = Object.fromEntries([...NUMBERS, ...WORDS].map(({ name }) => [name, '']));
  assert.deepEqual(readConfig({ ...GIVEN, ...empty }), readConfig(GIVEN));
});

test('a renamed setting is read under its old name too, but not with two values', () => {
  for (const [before, now] of Object.entries(RENAMED_SETTINGS)) {
    const value = (NUMBERS.find(({ name }) => name === now)?.min ?? 0) + 1;
    const old = { ...GIVEN, [before]: String(value) };
    assert.equal(valueOf(readConfig(old), now), value, before);
    assert.deepEqual(renamedIn(old), [{ before, now }]);
    assert.equal(valueOf(readConfig({ ...old, [now]: String(value) }), now), value, before);
    refuses({ [before]: String(value), [now]: String(value + 1) }, new RegExp(`${before}.*${now}`));
  }
  assert.deepEqual(renamedIn(GIVEN), []);
});

describe('a number', () => {
  for (const { name, min, max, preset, unit, meaning } of NUMBERS) {
    test(`${name} is refused by name outside ${min} to ${max}`, () => {
      assert.ok(min <= preset && preset <= max);
      assert.ok(unit !== '' && meaning !== '');
      for (const text of [
        String(min - 1),
        String(max + 1),
        '-1',
        '1.5',
        '1e2',
        '0x10',
        ' ',
        'many',
      ]) {
        refuses({ [name]: text }, new RegExp(`^${name} is "${text}".*${min} to ${max} ${unit}`));
      }
    });

    test(`${name} is taken at either bound, unless another setting is named`, () => {
      for (const bound of [min, max]) {
        try {
          const config = readConfig({ ...GIVEN, [name]: String(bound) });
          assert.equal(valueOf(config, name), bound);
        } catch (error) {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, new RegExp(`\\b${name}\\b.* must |must .*\\b${name}\\b`));
          assert.doesNotMatch(error.message, new RegExp(`^${name} is `));
        }
      }
    });
  }
});

test('a word is one of its words', () => {
  for (const { name, words } of WORDS) {
    for (const word of words) {
      const given = word === 'table' ? { ...GIVEN, JOURNAL_PATH: '' } : GIVEN;
      const config = readConfig({ ...given, [name]: word });
      assert.equal(valueOf(config, name), word);
    }
    refuses({ [name]: 'perhaps' }, new RegExp(`^${name} is "perhaps".*${words[0]}`));
  }
});

const SHARD = {
  ...GIVEN,
  JOURNAL_PATH: '',
  JOURNAL: 'table',
  SHARDS: '3',
  PEER_LISTEN: '10.0.0.1:9090',
  PEER_SECRET: 'a-secret-of-the-cluster',
};

test('a shard of a cluster has its number from SHARD, and waits for each commit', () => {
  const config = readConfig({ ...SHARD, SHARD: '2' });
  assert.equal(instanceNumber(config), 2);
  assert.equal(instanceCount(config), 3);
  assert.equal(config.JOURNAL_SYNC, 'always');
  assert.equal(instanceNumber(readConfig(SHARD)), Number.NaN);
  assert.equal(instanceNumber(readConfig({ ...SHARD, SHARD: 'auto' })), Number.NaN);
});

test('a setting of the cluster that can not be meant so is refused', () => {
  const bad: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ JOURNAL_PATH: '/run/a.journal' }, /^JOURNAL_PATH is for JOURNAL=file/],
    [{ PEER_SOCKET_PATHS: '/run/a.sock' }, /^PEER_SOCKET_PATHS is for JOURNAL=file/],
    [{ SHARD: '3' }, /^SHARD is "3", must be auto or a whole number below SHARDS, which is 3/],
    [{ SHARD: '-1' }, /^SHARD is/],
    [{ SHARD: '1x' }, /^SHARD is/],
    [{ SHARDS: '17' }, /^SHARDS is "17"/],
    [{ PEER_LISTEN: '' }, /^PEER_LISTEN is missing/],
    [{ PEER_LISTEN: '0.0.0.0:9090' }, /^PEER_LISTEN must be host:port/],
    [{ PEER_LISTEN: '/run/peers.sock' }, /^PEER_LISTEN must be host:port/],
    [{ PEER_LISTEN: '10.0.0.1:70000' }, /^PEER_LISTEN must be host:port/],
    [{ PEER_SECRET: '' }, /^PEER_SECRET is missing/],
    [{ PEER_SECRET: 'short' }, /^PEER_SECRET must have 16 to 256/],
    [{ PEER_TLS_CERT: '/a.pem' }, /^PEER_TLS_CERT, PEER_TLS_KEY and PEER_TLS_CA belong together/],
  ];
  for (const [env, message] of bad) refuses({ ...SHARD, ...env }, message);
  for (const name of ['SHARD', 'PEER_LISTEN', 'PEER_SECRET', 'PEER_TLS_KEY']) {
    refuses({ [name]: '1' }, new RegExp(`^JOURNAL must be table, since ${name} is set`));
  }
});

test('each text that has no default is asked for by name', () => {
  for (const name of TEXTS) {
    if (name === 'PEER_SOCKET_PATHS') continue;
    refuses({ [name]: '' }, new RegExp(`^${name} is missing`));
  }
  refuses({ JOURNAL_PATH: '' }, /^JOURNAL_PATH is missing/);
});

test('limits that make no sense together are refused', () => {
  refuses({ RING_SLOTS: '10', CONSUMERS: '11' }, /RING_SLOTS must be at least CONSUMERS/);
  refuses({ BATCH_ROWS: '11', BATCH_ROWS_MAX: '10' }, /BATCH_ROWS must be at most BATCH_ROWS_MAX/);
  refuses({ TIMEOUT_MAX_MS: '2999' }, /TIMEOUT_MAX_MS must be at least/);
  refuses({ TIMEOUT_DEFAULT_MS: '15001' }, /TIMEOUT_MAX_MS must be at least/);
});

const peersOf = (instances: number): string =>
  ['/run/a.sock', ...Array.from({ length: instances - 1 }, (_, n) => `/run/${n}`)].join(',');

test('all instances together send a processor no more at once than it takes', () => {
  const PEER_SOCKET_PATHS = peersOf(3);
  readConfig({ ...GIVEN, PEER_SOCKET_PATHS });
  refuses({ IN_FLIGHT_MAX: '801' }, /^IN_FLIGHT_MAX is "801"/);
  readConfig({ ...GIVEN, PEER_SOCKET_PATHS, IN_FLIGHT_MAX: '3' });
  refuses({ PEER_SOCKET_PATHS, IN_FLIGHT_MAX: '2' }, /IN_FLIGHT_MAX must be at least the number/);
  readConfig({ ...GIVEN, PEER_SOCKET_PATHS, RECONCILERS: '200' });
  refuses({ PEER_SOCKET_PATHS, RECONCILERS: '201' }, /RECONCILERS .* must be at most 1300/);
});

test('nothing that an answer depends on is waited for longer than nginx waits for the answer', () => {
  readConfig({ ...GIVEN, LEDGER_TIMEOUT_MS: '2049' });
  refuses({ LEDGER_TIMEOUT_MS: '2050' }, /LEDGER_TIMEOUT_MS is "2050", must be .* to 2049 ms/);
  assert.ok(OFFER_MS < NGINX_PAYMENT_MS);
  const template = readFileSync('nginx/nginx.conf.template', 'utf8');
  const waitMs = (before: string): number =>
    1_000 * Number(new RegExp(`${before}[^}]*?proxy_read_timeout (\\d+)s;`).exec(template)?.[1]);
  assert.equal(waitMs('proxy_http_version'), NGINX_READ_MS);
  assert.equal(waitMs('location = /payments '), NGINX_PAYMENT_MS);
  // A purge may take 11 s for its first step and for its last, 2 s for the step between, and the
  // time of a few statements.
  assert.ok(waitMs('location = /purge-payments ') > 2 * 11_000 + 2_000 + 8 * 2_049);
});

test('the instances know each other, and each socket is one of them', () => {
  const peers = '/run/b.sock,/run/a.sock';
  const config = readConfig({ ...GIVEN, PEER_SOCKET_PATHS: peers });
  assert.deepEqual(config.PEER_SOCKET_PATHS, ['/run/b.sock', '/run/a.sock']);
  refuses({ PEER_SOCKET_PATHS: '/run/b.sock,/run/c.sock' }, /must contain SOCKET_PATH/);
  // An instance named twice would hand payments over to itself.
  refuses({ PEER_SOCKET_PATHS: '/run/a.sock,/run/a.sock' }, /name each socket once/);
  refuses({ PEER_SOCKET_PATHS: peersOf(17) }, /at most 16/);
});

test('a socket has a path that the system and the list of sockets can take', () => {
  refuses({ SOCKET_PATH: '/run/a,b.sock' }, /^SOCKET_PATH must have no comma/);
  readConfig({ ...GIVEN, SOCKET_PATH: `/${'a'.repeat(106)}` });
  const long = `/${'ñ'.repeat(53)}a`;
  refuses({ SOCKET_PATH: long }, /SOCKET_PATH must have at most 107 bytes/);
  refuses({ PEER_SOCKET_PATHS: `/run/a.sock,${long}` }, /SOCKET_PATH must have at most 107 bytes/);
});

test('addresses are of the right kind, and a password is never shown', () => {
  for (const name of ['PROCESSOR_DEFAULT_URL', 'PROCESSOR_FALLBACK_URL']) {
    for (const url of ['localhost:8001', 'ftp://u:secret@localhost', 'secret']) {
      refuses({ [name]: url }, new RegExp(`^${name} must be an http(?!.*secret)`));
    }
    refuses({ [name]: 'http://u:secret@h/#x' }, new RegExp(`^${name} has a fragment(?!.*secret)`));
    for (const user of ['a%3Ab:secret', 'a:secret%', 'a:secret%0A', 'a:secret%FF']) {
      refuses({ [name]: `http://${user}@h` }, new RegExp(`^${name} has a user(?!.*secret)`));
    }
  }
  refuses({ DATABASE_URL: 'mysql://user:secret@localhost/x' }, /^DATABASE_URL must be(?!.*secret)/);
  refuses({ DATABASE_URL: 'secret' }, /^DATABASE_URL must be(?!.*secret)/);
  readConfig({ ...GIVEN, DATABASE_URL: 'postgresql://u@localhost/x?host=/run/postgresql' });
});
