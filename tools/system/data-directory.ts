// The directory with the files of `npm start`. One system uses it at a time. It has a place for
// Unix sockets: their paths may have 107 bytes at most and no commas, and nginx's worker and
// PostgreSQL (`nobody` under root) must be able to reach them.
//
//   postgres/  journal-0  journal-1  default.state  fallback.state    kept across restarts
//   logs/      what the parts print, and the same of the previous start
//   run        the sockets; a link to a temporary directory if sockets are not possible here
//   nginx/     its configuration

import { chmod, mkdir, mkdtemp, readlink, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SOCKET_PATH_BYTES_MAX } from '../../src/config/bounds.ts';
import { lockFile } from './lock-file.ts';
import { makeDirectory } from './make-directory.ts';
import { shareWithNobody } from './nobody.ts';
import { reachableByAnyone } from './postgres.ts';
import { StartError } from './settings.ts';

const LONGEST_SOCKET = 'postgres/.s.PGSQL.5432';
const TEMPORARY_PREFIX = 'repasse-run-';
/** PEER_SOCKET_PATHS and PostgreSQL's list are split at commas; these characters are safe. */
const PLAIN_PATH = /^[\w./+=@~-]+$/;

const AS_ROOT = process.getuid?.() === 0;

export class DataDirectory {
  readonly path: string;
  readonly #runDirectory: string;

  private constructor(path: string, runDirectory: string) {
    this.path = path;
    this.#runDirectory = runDirectory;
  }

  /** Makes it if it is missing, and locks it. @throws StartError when another process has it. */
  static async open(path: string): Promise<DataDirectory> {
    try {
      await makeDirectory(join(path, 'logs'));
      const lock = join(path, 'lock');
      lockFile(lock, `another npm start is using the same DATA_DIR (${lock})`);
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

  /** A new log; the previous start's log is kept beside it. */
  async log(part: string): Promise<string> {
    const path = this.logPath(part);
    await rename(path, `${path}.before`).catch(ignoreMissing);
    return path;
  }

  async close(): Promise<void> {
    await removeRunDirectory(this.path);
  }
}

async function makeRunDirectory(path: string): Promise<string> {
  const here = join(path, 'run');
  if (await takesSockets(path, 'run')) {
    await mkdir(here);
    await protect(here);
    return here;
  }
  // TMPDIR may be missing, or open to its owner only.
  const places = new Set([tmpdir(), '/tmp', '/dev/shm']);
  for (const place of places) {
    if (!(await takesSockets(place, `${TEMPORARY_PREFIX}XXXXXX`))) continue;
    const elsewhere = await mkdtemp(join(place, TEMPORARY_PREFIX)).catch(() => undefined);
    if (elsewhere === undefined) continue;
    await protect(elsewhere);
    await symlink(elsewhere, here);
    return elsewhere;
  }
  const tried = [path, ...places].join(', ');
  throw new StartError(`no directory takes Unix sockets (short, plain, open to all): ${tried}`);
}

/** Nobody but this user lists it. nginx's worker (`nobody` under root) reaches the sockets. */
async function protect(directory: string): Promise<void> {
  if (AS_ROOT) shareWithNobody(directory, 0o751);
  else await chmod(directory, 0o700);
}

/** Whether the sockets can be in `parent`/`name`. */
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
