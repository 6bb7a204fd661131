// `npm run cluster`: hosts on this machine, each with its part of a cluster, for as long as this
// process lives.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { forgetPgVariables } from '../src/config/database-address.ts';
import { Cluster } from './cluster/cluster.ts';
import { USUAL } from './cluster/layout.ts';
import { endWithUsage, readCommandLine } from './command-line.ts';
import { StartError } from './system/settings.ts';
import { stopWish } from './system/stop-wish.ts';

const SETUP = fileURLToPath(new URL('../../tools/setup.sh', import.meta.url));
/** Private addresses, and no number above 255. */
const NETWORK = /^(10\.\d+|192\.168|172\.(1[6-9]|2\d|3[01]))\.\d+$/;

const command = {
  name: 'cluster',
  does:
    'Runs a cluster on this machine: hosts as network namespaces, each with etcd, Patroni with ' +
    'its own PostgreSQL, HAProxy, nginx and instances, and two simulated processors. Prints ' +
    '"ready" with the address of each host once payments can be taken everywhere. SIGTERM or ' +
    'Ctrl-C stops and removes everything; what a killed run left is removed by the next one.',
  needs:
    'root, and the Debian packages etcd-server, patroni, postgresql, haproxy, nginx and iproute2, ' +
    'which it installs if they are missing, and Patroni 4 from PyPI',
  takes: 'Takes about half a minute to start.',
  options: {
    hosts: { about: 'how many hosts', least: 3, most: 9, preset: USUAL.hosts },
    shards: { about: 'how many shards', least: 1, most: 16, preset: USUAL.shards },
    instances: {
      about: 'instances on each host; those without a shard are spares; 0 for the database alone',
      least: 0,
      most: 16,
      preset: USUAL.instancesPerHost,
    },
    port: {
      about: 'the port of nginx on each host',
      least: 1024,
      most: 65_535,
      preset: USUAL.port,
    },
    network: {
      about: 'the first three numbers of all addresses; another cluster needs another network',
      preset: USUAL.network,
    },
    data: { about: 'the directory of the data, which is kept', otherwise: 'a temporary one' },
  },
  environment: { '…': 'every setting of an instance: see README.md' },
} as const;

/** Installs what is missing. @throws StartError when it can't; setup.sh has said why. */
function setUp(): void {
  if (process.getuid?.() !== 0) {
    throw new StartError('needs root: only root may make network namespaces');
  }
  const { status } = spawnSync('sh', [SETUP, 'cluster'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new StartError('a program is missing');
}

async function run(wanted: Parameters<typeof Cluster.prepare>[0]): Promise<void> {
  let isWished = false;
  const wished = stopWish(
    () => {
      isWished = true;
    },
    () => {},
  );
  setUp();
  if (isWished) return;
  const cluster = await Cluster.prepare(wanted);
  const starting = isWished ? Promise.resolve() : start(cluster, () => isWished);
  try {
    await Promise.race([starting, wished]);
    await wished;
  } finally {
    await cluster.stop();
    await Promise.allSettled([starting]);
  }
}

async function start(cluster: Cluster, isVain: () => boolean): Promise<void> {
  await cluster.start();
  if (isVain()) return;
  say(`logs in ${cluster.layout.directory}/host-*/logs`);
  for (const page of cluster.pages) say(`page ${page}`);
  process.stdout.write(`ready ${cluster.urls.join(' ')}\n`);
}

const say = (line: string): void => {
  process.stderr.write(`npm run cluster: ${line}\n`);
};

const { hosts, shards, instances, port, network, data } = readCommandLine(command);
if (!NETWORK.test(network) || network.split('.').some((part) => Number(part) > 255)) {
  endWithUsage(command, `--network is "${network}", must be as 10.77.0, and private`);
}
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
forgetPgVariables(process.env);
try {
  await run({
    hosts,
    shards,
    instancesPerHost: instances,
    port,
    network,
    dataDirectory: data === undefined ? undefined : resolve(data),
    say,
  });
  process.exit(0);
} catch (error) {
  const explained = error instanceof StartError || (error as NodeJS.ErrnoException).syscall;
  say(explained ? (error as Error).message : String((error as Error).stack));
  process.exit(1);
}
