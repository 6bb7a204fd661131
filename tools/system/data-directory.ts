// The directory that `npm start` keeps its files in: of one system at a time, and with a place for
// Unix sockets, whose paths may have 107 bytes at most and no commas, and which nginx's worker and
// PostgreSQL, `nobody` under root, must be able to reach.
//
//   postgres/  journal-0  journal-1  default.state  fallback.state    what outlives a restart
//   logs/      what the parts print, and once more from the start before
//   run        the sockets; a link to a directory in a temporary one when sockets can't stand here
//   nginx/     its configuration

import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readlink, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SOCKET_PATH_BYTES_MAX } from '../../src/settings.ts';
import { makeDirectory } from './make-directory.ts';
import { reachableByAnyone } from './postgres.ts';
import { StartError } from './settings.ts';

const LONGEST_SOCKET = 'postgres/.s.PGSQL.5432';
const TEMPORARY_PREFIX = 'repasse-run-';
/** PEER_SOCKET_PATHS and PostgreSQL's list are split at commas; these characters are safe. */
const PLAIN_PATH = /^[\w./+=@~-]+$/;

const AS_ROOT = process.getuid?.() === 0;
const RUN_DIRECTORY_MODE = AS_ROOT ? 0o755 : 0o700;

export class DataDirectory {
  readonly path: string;
  readonly #runDirectory: string;

  private constructor(path: string, runDirectory: string) {
    this.path = path;
    this.#runDirectory = runDirectory;
  }

  /** Makes it where it is missing and takes it for this process. @throws StartError when another one has it. */
  static async open(path: string): Promise<DataDirectory> {
    try {
      await makeDirectory(join(path, 'logs'));
      lock(join(path, 'lock'));
      await removeRunDirectory(path);
      return new DataDirectory(path, await makeRunDirectory(path));
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`DATA_DIR ${path} cannot be used: ${(error as Error).message}`);
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  socket(name: string): string {
    return join(this.#runDirectory, name);
  }

  logPath(part: string): string {
    return join(this.path, 'logs', `${part}.log`);
  }

  /** A new log; the one of the start before is kept beside it. */
  async log(part: string): Promise<string> {
    const path = this.logPath(part);
    await rename(path, `${path}.before`).catch(ignoreMissing);
    return path;
  }

  async close(): Promise<void> {
    await removeRunDirectory(this.path);
  }
}

/** The `flock` program locks the open file that we share with it; the lock is gone when we are, even by kill -9. */
function lock(path: string): void {
  const descriptor = openSync(path, 'a');
  const stdio = ['ignore', 'ignore', 'ignore', descriptor] as const;
  const { status, error } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: [...stdio],
  });
  if (error) throw error;
  if (status !== 0) throw new StartError(`another npm start is using the same DATA_DIR (${path})`);
}

async function makeRunDirectory(path: string): Promise<string> {
  const here = join(path, 'run');
  if (await takesSockets(path, 'run')) {
    await mkdir(here);
    await chmod(here, RUN_DIRECTORY_MODE);
    return here;
  }
  // TMPDIR may be missing, or open to its owner only.
  const places = new Set([tmpdir(), '/tmp', '/dev/shm']);
  for (const place of places) {
    if (!(await takesSockets(place, `${TEMPORARY_PREFIX}XXXXXX`))) continue;
    const elsewhere = await mkdtemp(join(place, TEMPORARY_PREFIX)).catch(() => undefined);
    if (elsewhere === undefined) continue;
    await chmod(elsewhere, RUN_DIRECTORY_MODE);
    await symlink(elsewhere, here);
    return elsewhere;
  }
  const tried = [path, ...places].join(', ');
  throw new StartError(`no directory takes Unix sockets (short, plain, open to all): ${tried}`);
}

/** Whether `parent`/`name` would do for the sockets. */
async function takesSockets(parent: string, name: string): Promise<boolean> {
  const longest = join(parent, name, LONGEST_SOCKET);
  if (Buffer.byteLength(longest) > SOCKET_PATH_BYTES_MAX || !PLAIN_PATH.test(longest)) return false;
  return !AS_ROOT || reachableByAnyone(parent).catch(() => false);
}

async function removeRunDirectory(path: string): Promise<void> {
  const here = join(path, 'run');
  const elsewhere = await readlink(here).catch(() => undefined);
  if (elsewhere && basename(elsewhere).startsWith(TEMPORARY_PREFIX)) {
    await rm(elsewhere, { recursive: true, force: true });
  }
  await rm(here, { recursive: true, force: true });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
