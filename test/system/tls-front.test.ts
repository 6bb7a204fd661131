// The proxy of docs/PRODUCTION.md, as it stands there: TLS, a certificate for each client, and only
// what is for clients.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { spawnTethered, stop } from '../../tools/system/tethered.ts';
import { freePort } from '../world/free-port.ts';
import { Front } from '../world/front.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Stand } from './stand.ts';

const needsOpenssl = needs('openssl', spawnSync('openssl', ['version']).status === 0);
const directory = makeTempDirectory();
const place = (name: string): string => join(directory, name);
const stand = new Stand(directory, 0);
const BODY = '{"correlationId":"3f2504e0-4f89-41d3-9a0c-0305e82c3300","amount":19.90}';
let front: Front;
let proxy: ReturnType<typeof spawnTethered> | undefined;
let port = 0;

/** A certificate that is its own authority. */
function certify(name: string): void {
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-batch'];
  const files = ['-out', place(`${name}.pem`), '-keyout', place(`${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:pay.example'];
  execFileSync('openssl', [...words, ...subject, ...files], { stdio: 'pipe' });
}

/** The guide's server, with this test's files and ports. */
function proxyConfiguration(): string {
  const [, server = ''] =
    /```nginx\n([^]*?)```/.exec(readFileSync('docs/PRODUCTION.md', 'utf8')) ?? [];
  const own = server
    .replaceAll('/etc/ssl/clients-ca.pem', place('client.pem'))
    .replaceAll('/etc/ssl/', `${directory}/`)
    .replace('listen 443', `listen 127.0.0.1:${port}`)
    .replaceAll('http://127.0.0.1:9999', front.url);
  const head = `daemon off; pid ${place('proxy.pid')}; events {}`;
  return `${head}\nhttp { access_log off; client_body_temp_path ${place('proxy-body')};\n${own}\n}\n`;
}

interface Call {
  readonly method?: string;
  readonly body?: string;
  /** Whose certificate comes with it. */
  readonly as?: 'client' | 'stranger';
}

/** The status, 0 if there is no answer. */
function ask(path: string, { method = 'GET', body = '', as }: Call = {}): Promise<number> {
  const own = as && {
    cert: readFileSync(place(`${as}.pem`)),
    key: readFileSync(place(`${as}.key`)),
  };
  const ca = readFileSync(place('pay.example.pem'));
  const headers = { 'content-length': body.length };
  const to = { host: '127.0.0.1', port, servername: 'pay.example', agent: false, ca, ...own };
  return new Promise((resolve) => {
    const outgoing = request({ ...to, path, method, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.on('error', () => resolve(0));
    outgoing.end(body);
  });
}

before(async () => {
  if (needsOpenssl.skip !== false) return;
  for (const name of ['pay.example', 'client', 'stranger']) certify(name);
  await stand.open();
  front = await Front.start(directory, [stand.path]);
  port = await freePort();
  writeFileSync(place('proxy.conf'), proxyConfiguration());
  const command = ['nginx', '-p', directory, '-c', place('proxy.conf')];
  proxy = spawnTethered(command, {
    deathSignal: 'SIGTERM',
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await waitUntil('the proxy answers', async () => (await ask('/payments')) > 0);
});
after(async () => {
  if (proxy) await stop(proxy, 'SIGTERM', 10_000);
  await front?.close();
  await stand.shut();
});

test('a client with a certificate pays; nobody else does', needsOpenssl, async () => {
  const payment = { method: 'POST', body: BODY } as const;
  stand.bodies.length = 0;
  assert.equal(await ask('/payments', { ...payment, as: 'client' }), 202);
  assert.equal(await ask('/payments', payment), 400);
  assert.equal(await ask('/payments', { ...payment, as: 'stranger' }), 400);
  assert.deepEqual(stand.bodies, [BODY]);
});

test('nothing but payments and summaries is passed on', needsOpenssl, async () => {
  assert.equal(await ask('/payments-summary?from=2025-07-15T12:34:56Z', { as: 'client' }), 202);
  stand.bodies.length = 0;
  for (const path of [
    '/purge-payments',
    '/internal/ready',
    '/internal/status',
    '/',
    '/payments/',
  ]) {
    assert.equal(await ask(path, { as: 'client', method: 'POST' }), 404, path);
  }
  assert.deepEqual(stand.bodies, []);
});
