// Both drivers check the server's certificate as sslmode says. A server without TLS is named in the
// error.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import { LedgerReader } from '../../src/ledger/reader.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { makeLedger } from './ledger-fixture.ts';

const needsOpenssl = needs('openssl', spawnSync('openssl', ['version']).status === 0);

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

/** A certificate of its own authority for this name: the paths of it and of its key. */
function certify(directory: string, file: string, name: string): { cert: string; key: string } {
  const [cert, key] = [join(directory, `${file}.crt`), join(directory, `${file}.key`)];
  const subject = ['-subj', '/CN=repasse', '-addext', `subjectAltName=${name}`];
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-batch'];
  execFileSync('openssl', [...words, ...subject, '-out', cert, '-keyout', key], { stdio: 'pipe' });
  return { cert, key };
}

/** Lets the server use it from now on. */
async function install(url: string, { cert, key }: { cert: string; key: string }): Promise<void> {
  const [row] = await query<{ data_directory: string }>(url, 'SHOW data_directory');
  for (const [from, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    const to = join(row?.data_directory as string, name);
    copyFileSync(from, to);
    chmodSync(to, 0o600);
    if (server.user) chownSync(to, server.user.uid, server.user.gid);
  }
  await query(url, 'ALTER SYSTEM SET ssl = on');
  await query(url, 'SELECT pg_reload_conf()');
}

const works = async (use: () => Promise<unknown>): Promise<boolean> =>
  use().then(
    () => true,
    () => false,
  );

/** Whether each driver gets through, and with TLS. */
async function drivers(url: string): Promise<{ pg: boolean; libpq: boolean }> {
  const reader = new LedgerReader(url, 2_000, () => {});
  const pg = await works(() => reader.find([]));
  await reader.close();
  const libpq = await works(async () => {
    (await connectLibpq(url, { name: 0 }, 2_000, systemClock)).close();
  });
  return { pg, libpq };
}

test('what sslmode says holds for both drivers', needsOpenssl, async (context) => {
  const { url } = await makeLedger(server, context);
  const directory = makeTempDirectory();
  const none = { pg: false, libpq: false };
  const both = { pg: true, libpq: true };
  assert.deepEqual(await drivers(`${url}?sslmode=require`), none, 'the server has no TLS yet');

  const here = certify(directory, 'here', 'IP:127.0.0.1');
  const other = certify(directory, 'other', 'DNS:elsewhere.example');
  const trusting = ({ cert }: { cert: string }, mode: string): string =>
    `${url}?sslmode=${mode}&sslrootcert=${encodeURIComponent(cert)}`;
  await install(url, here);
  await waitUntil('the server has TLS', async () => {
    return (await drivers(`${url}?sslmode=require`)).pg;
  });
  for (const mode of ['disable', 'no-verify', 'require']) {
    assert.deepEqual(await drivers(`${url}?sslmode=${mode}`), both, mode);
  }
  for (const mode of ['require', 'verify-ca', 'verify-full']) {
    assert.deepEqual(await drivers(trusting(here, mode)), both, mode);
    assert.deepEqual(await drivers(trusting(other, mode)), none, `${mode} of a stranger`);
  }

  await install(url, other);
  await waitUntil('the server has the other one', async () => {
    return (await drivers(trusting(other, 'verify-ca'))).pg;
  });
  assert.deepEqual(await drivers(trusting(other, 'verify-ca')), both, 'under another name');
  assert.deepEqual(await drivers(trusting(other, 'verify-full')), none, 'under another name');
});
