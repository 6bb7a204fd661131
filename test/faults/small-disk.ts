// A disk that is easily full: a file system in memory of a given size. Only root can make one.

import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { User } from '../../tools/system/tethered.ts';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';

const CHUNK = Buffer.alloc(4096, 1);

export class SmallDisk {
  readonly directory: string;

  constructor(kibibytes: number, user?: User) {
    this.directory = makeTempDirectory();
    mount('-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=755`, 'small-disk', this.directory);
    process.once('exit', () => this.#unmount());
    if (user) chownSync(this.directory, user.uid, user.gid);
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

  /** Nothing can be written from now on. Whoever has a file open for writing has to close it first. */
  makeReadOnly(): void {
    mount('-o', 'remount,ro', this.directory);
  }

  makeWritable(): void {
    mount('-o', 'remount,rw', this.directory);
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
      execFileSync('umount', ['--lazy', this.directory], { stdio: 'ignore' });
    } catch {
      // It was unmounted before.
    }
  }
}

/** Whether this process may mount: root, and not in a container that forbids it. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    new SmallDisk(16)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

function mount(...words: readonly string[]): void {
  execFileSync('mount', words, { stdio: 'pipe' });
}
