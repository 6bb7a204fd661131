// The admin server of a spare: monitoring sees that it is up and what it would run with.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { SpareAdmin } from '../../src/cluster/spare-admin.ts';
import { readConfig, type Config } from '../../src/config/config.ts';
import { buildInfo } from '../../src/metrics/build-info.ts';
import { REQUIRED_SETTINGS } from '../buffer/lone-engine.ts';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { tempDirectoryFor } from '../world/temp-directory.ts';

const ADMIN_TOKEN = '0123456789abcdef-secret';
const log = { info: () => {}, warn: () => {}, error: () => {} };

const configOf = (settings: Readonly<Record<string, string>>): Config =>
  readConfig({ ...REQUIRED_SETTINGS, ADMIN_TOKEN, ...settings });
const hashOf = (settings: Readonly<Record<string, string>>): string | undefined =>
  buildInfo(configOf(settings)).samples[0]?.labels?.['settings'];

test('a spare tells its version and settings alone, on a port with the token', async (context) => {
  const path = join(tempDirectoryFor(context), 'admin.sock');
  const port = await freePort();
  const config = configOf({ ADMIN_LISTEN: `${path},127.0.0.1:${port}` });
  const spare = new SpareAdmin({ config, clock: systemClock, log });
  await spare.listen();
  const [socket, open] = [new Client(path), new Client(`http://127.0.0.1:${port}`)];
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  try {
    assert.equal(statSync(path).mode & 0o777, 0o660);
    for (const answer of [
      await socket.send('GET', '/metrics'),
      await open.send('GET', '/metrics?debug=1', { headers }),
    ]) {
      assert.equal(answer.status, 200);
      assert.match(
        answer.body,
        /^repasse_build_info\{version="[^"]+",node="v\d[^"]*",settings="\w{8}"\} 1$/m,
      );
      assert.doesNotMatch(answer.body, /repasse_membership/);
    }
    assert.equal((await open.send('GET', '/metrics')).status, 401);
    for (const client of [socket, open]) {
      assert.equal((await client.send('GET', '/live')).status, 200);
      assert.equal((await client.send('GET', '/ready')).status, 503);
      assert.match((await client.send('GET', '/payments', { headers })).body, /a spare/);
    }
  } finally {
    for (const client of [socket, open]) client.close();
    await spare.close();
  }
});

test('the settings of two hosts of a cluster are the same, but for what is their own', () => {
  const cluster = {
    JOURNAL: 'table',
    JOURNAL_PATH: '',
    SOCKET_PATH: '/run/one.sock',
    SHARDS: '2',
    SHARD: '0',
    PEER_LISTEN: '10.0.0.1:9100',
    PEER_SECRET: 'a-secret-of-one-kind',
    PEER_TLS_CERT: '/etc/one.crt',
    PEER_TLS_KEY: '/etc/one.key',
    PEER_TLS_CA: '/etc/one/ca.crt',
  };
  const other = {
    ...cluster,
    SHARD: 'auto',
    SOCKET_PATH: '/run/two.sock',
    PEER_LISTEN: '10.0.0.2:9100',
    PEER_SECRET: 'a-secret-of-other-kind',
    PEER_TLS_CERT: '/etc/two.crt',
    PEER_TLS_KEY: '/etc/two.key',
    PEER_TLS_CA: '/etc/two/ca.crt',
  };
  assert.equal(hashOf(cluster), hashOf(other));
  assert.notEqual(hashOf(cluster), hashOf({ ...cluster, SHARDS: '3' }));
  assert.notEqual(hashOf(cluster), hashOf({ ...cluster, TIMEOUT_DEFAULT_MS: '999' }));
});
