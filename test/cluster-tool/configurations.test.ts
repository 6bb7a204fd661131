// The configurations of a cluster's programs, each as its own program reads it.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { haproxyConfiguration } from '../../tools/cluster/haproxy.ts';
import { clusterNginxPlan } from '../../tools/cluster/instances.ts';
import { Layout, PORTS, USUAL } from '../../tools/cluster/layout.ts';
import { featuresOf, PATRONI } from '../../tools/cluster/patroni-version.ts';
import { patroniConfiguration } from '../../tools/cluster/patroni.ts';
import { makeSecrets } from '../../tools/cluster/secrets.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';

const run = promisify(execFile);
// It installs what is missing.
const programs = needs(
  'the programs of npm run cluster',
  spawnSync('sh', ['tools/setup.sh', 'cluster'], { stdio: 'ignore' }).status === 0,
);

/** Addresses of this machine, that no cluster uses. */
const settings = { ...USUAL, network: '127.0.77', port: 9999 };
const layout = new Layout(settings, makeTempDirectory(), makeSecrets());
const directory = layout.hostDirectory(1);
/** Patroni looks whether etcd is there. */
let etcds: Server[];

before(async () => {
  for (const name of ['logs', 'run', 'nginx'])
    mkdirSync(join(directory, name), { recursive: true });
  etcds = await Promise.all(
    layout.hosts.map(async (host) => {
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => {
        server.listen(PORTS.etcd, layout.address(host), resolve);
      });
      return server;
    }),
  );
});

after(() => etcds.forEach((server) => server.close()));

/** The program ends with 0, and complains about nothing. */
async function accepts(command: string, ...words: readonly string[]): Promise<void> {
  const { stdout, stderr } = await run(command, [...words], { timeout: 60_000 });
  assert.doesNotMatch(`${stdout}${stderr}`, /warn|error|alert|emerg|fail|not /i);
}

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test('HAProxy takes its configuration', programs, async () => {
  await accepts('haproxy', '-c', '-q', '-f', write('haproxy.cfg', haproxyConfiguration(layout)));
});

test('Patroni takes its configuration', programs, async () => {
  const path = write('patroni.yml', patroniConfiguration(layout, 1));
  const [program = '', ...words] = PATRONI;
  await accepts(program, ...words, '--validate-config', path);
});

test("nginx takes a host's configuration", async () => {
  const { command } = await clusterNginxPlan(layout, 1);
  const [nginx = '', ...words] = command;
  const { stderr } = await run(nginx, [...words, '-t', '-q'], {
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  });
  assert.equal(stderr, '');
});

test('Patroni before 3.0.3 uses the older API of etcd, which compares before it writes', () => {
  for (const old of ['2.1.2', '3.0.0', '3.0.2']) assert.equal(featuresOf(old).etcdApi, 'etcd', old);
  for (const mended of ['3.0.3', '3.1.0', '3.2.2', '4.0.4']) {
    assert.equal(featuresOf(mended).etcdApi, 'etcd3', mended);
  }
});
