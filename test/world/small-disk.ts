// A disk that is easily full: a file system in memory of a given size. Only root can make one; with
// REQUIRE_ALL=1 `sudo -n` is used, otherwise nobody's sudo is.

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { User } from '../../tools/system/tethered.ts';
import { needs, REQUIRE_ALL } from './needs.ts';
import { makeTempDirectory, removeTempDirectory } from './temp-directory.ts';

const CHUNK = Buffer.alloc(4096, 1);
const MYSELF: Pick<User, 'uid' | 'gid'> = {
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
};

export class SmallDisk {
  readonly directory: string;

  constructor(kibibytes: number, { uid, gid } = MYSELF) {
    this.directory = makeTempDirectory();
    const options = `size=${kibibytes}k,mode=755,uid=${uid},gid=${gid}`;
    asRoot('mount', '-t', 'tmpfs', '-o', options, 'small-disk', this.directory);
    process.once('exit', () => this.#unmount());
  }

  /** Takes all the room that is left. */
  fill(): void {
    const ballast = openSync(this.#ballast, 'a');
    try {
      for (;;) writeSync(ballast, CHUNK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(ballast);
    }
  }

  /** Gives it back. */
  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Nothing can be written from now on. A file that is open for writing has to be closed first. */
  makeReadOnly(): void {
    asRoot('mount', '-o', 'remount,ro', this.directory);
  }

  makeWritable(): void {
    asRoot('mount', '-o', 'remount,rw', this.directory);
  }

  resize(kibibytes: number): void {
    asRoot('mount', '-o', `remount,size=${kibibytes}k`, this.directory);
  }

  [Symbol.dispose](): void {
    this.#unmount();
    removeTempDirectory(this.directory);
  }

  get #ballast(): string {
    return join(this.directory, 'ballast');
  }

  /** Lazily: a process that still has a file there may be about to end. */
  #unmount(): void {
    try {
      asRoot('umount', '--lazy', this.directory);
    } catch {
      // It was unmounted before.
    }
  }
}

/** For the options of a test that has one. */
export const needsSmallDisk = needs('root and the right to mount', canMount());

function canMount(): boolean {
  if (MYSELF.uid !== 0 && !REQUIRE_ALL) return false;
  try {
    new SmallDisk(16)[Symbol.dispose]();
    return true;
  } catch {
    // A container may forbid it even to root.
    return false;
  }
}

function asRoot(...command: readonly string[]): void {
  const sudo = MYSELF.uid === 0 ? [] : ['sudo', '-n'];
  const [program = '', ...words] = [...sudo, ...command];
  execFileSync(program, words, { stdio: 'pipe' });
}
