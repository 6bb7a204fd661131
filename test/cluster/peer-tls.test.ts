// With PEER_TLS_… the processes of a cluster show each other certificates of one authority.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { request } from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { Load } from '../faults/load.ts';
import { audit } from '../world/audit.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, ownerOf, SECRET, shardsOf } from './shards.ts';

const needsOpenssl = needs('openssl', spawnSync('openssl', ['version']).status === 0);

const openssl = (...words: string[]): unknown => execFileSync('openssl', words, { stdio: 'pipe' });

interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority, and a certificate of it for 127.0.0.1. */
function certify(directory: string, name: string): Files {
  const at = (file: string): string => join(directory, `${name}.${file}`);
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '9', '-batch'];
  openssl('req', '-x509', ...key, '-subj', '/CN=ca', '-out', at('ca'), '-keyout', at('ca-key'));
  openssl('req', ...key, '-subj', '/CN=peer', '-out', at('request'), '-keyout', at('key'));
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1');
  const signed = ['-CA', at('ca'), '-CAkey', at('ca-key'), '-CAcreateserial', '-days', '9'];
  const asked = ['-in', at('request'), '-extfile', at('names'), '-out', at('cert')];
  openssl('x509', '-req', ...signed, ...asked);
  return { ca: at('ca'), cert: at('cert'), key: at('key') };
}

function ask(address: string, ca: string, own?: Files): Promise<number | string> {
  const [host, port] = address.split(':');
  const shown = own && { cert: readFileSync(own.cert), key: readFileSync(own.key) };
  const headers = { authorization: `Bearer ${SECRET}` };
  // A connection of its own: one that was kept may be the one that is ended for another.
  const options = { host, port, headers, agent: false, ca: readFileSync(ca), ...shown };
  return new Promise((resolve) => {
    request({ ...options, path: '/internal/identity' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end();
  });
}

test(
  `payments are passed on over TLS, and nobody without a certificate is answered ${AGAIN}`,
  needsOpenssl,
  async (t) => {
    const directory = makeTempDirectory();
    t.after(() => removeTempDirectory(directory));
    const [ours, others] = [certify(directory, 'ours'), certify(directory, 'others')];
    const { world, random, book } = await openCluster(2, {
      environment: { PEER_TLS_CERT: ours.cert, PEER_TLS_KEY: ours.key, PEER_TLS_CA: ours.ca },
    });
    await using load = new Load({ clients: [world.client], random, book });
    await load.more(100);
    await load.stop();
    await audit(world, book.accepted, { maybe: book.maybe });
    const statuses = await Promise.all(world.instances.map((instance) => instance.status()));
    assert.ok(statuses.every(({ accepted }) => accepted > 0));
    const address = (await shardsOf(world))[0]?.address as string;
    assert.equal(await ask(address, ours.ca, ours), 200);
    assert.equal(typeof (await ask(address, ours.ca)), 'string');
    assert.equal(typeof (await ask(address, ours.ca, others)), 'string');
    // Connections without a handshake count, too.
    const [host, port] = address.split(':') as [string, string];
    const crowd = Array.from({ length: 1_100 }, () => connect({ host, port: Number(port) }));
    for (const socket of crowd) socket.on('error', () => {});
    const owner = await ownerOf(world, 0);
    await waitUntil('it is full', () => owner.said('peer connections are full') > 0);
    assert.equal(await ask(address, ours.ca, ours), 200);
    for (const socket of crowd) socket.destroy();
  },
);
