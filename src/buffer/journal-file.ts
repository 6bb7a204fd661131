// The journal's file on a real disk. One process at a time can use it (flock). It is allocated
// whole before the first payment, so a disk that fills up later can't refuse a write.

import { spawnSync } from 'node:child_process';
import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { JournalError, type JournalFile } from './journal.ts';
import { readWhole, writeWhole } from './whole-io.ts';

const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);
/**
 * Linux keeps a file in the page cache in pieces as large as the writes that made it, and ext4 goes
 * through the whole piece for each later write: a cell in a piece of 1 MiB took three times as long
 * (Linux 6.18).
 */
const ALLOCATE_BYTES = 4096;

export class DiskJournalFile implements JournalFile {
  /** Whether the file has no header yet: it was just made, or an earlier start died before that. */
  readonly isNew: boolean;
  readonly #descriptor: number;

  /**
   * Opens the file at `path`, or makes it with `bytes` bytes, and locks it until this process ends.
   * @throws JournalError if the file can't be made, written or locked
   */
  constructor(path: string, bytes: number) {
    this.#descriptor = open(path);
    try {
      lock(this.#descriptor, path);
      // Zeros are written first and the header last. A start that died in between begins anew.
      this.isNew = this.#isBlank();
      if (this.isNew) this.#allocate(bytes, path);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error instanceof JournalError ? error : refusal(path, error);
    }
  }

  read(buffer: Uint8Array, position: number): number {
    return readWhole(this.#descriptor, buffer, position);
  }

  write(buffer: Uint8Array, position: number): void {
    if (writeWhole(this.#descriptor, buffer, position)) return;
    throw new JournalError('the disk takes nothing more of the journal');
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Whether the whole file is zeros: payments may follow a header that is zeroed by damage. */
  #isBlank(): boolean {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; ; at += CHUNK_BYTES) {
      const read = this.read(chunk, at);
      if (!chunk.subarray(0, read).equals(ZEROS.subarray(0, read))) return false;
      if (read < CHUNK_BYTES) return true;
    }
  }

  #allocate(bytes: number, path: string): void {
    for (let at = 0; at < bytes; at += ALLOCATE_BYTES) {
      this.write(ZEROS.subarray(0, Math.min(ALLOCATE_BYTES, bytes - at)), at);
    }
    fsyncSync(this.#descriptor);
    // The file's directory entry must survive a power failure too.
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw refusal(path, error);
  }
  try {
    return openSync(path, 'wx+', 0o600);
  } catch (error) {
    throw refusal(path, error);
  }
}

/**
 * Locks the file with the `flock` program, since Node has no flock(2). The program locks the
 * descriptor that it inherits. The lock belongs to the open file, which both processes share. So it
 * stays when the program ends, and goes when this process ends, even by kill -9.
 */
function lock(descriptor: number, path: string): void {
  const { status, error } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  });
  if (error) throw new JournalError(`cannot run flock (package util-linux): ${error.message}`);
  if (status !== 0) throw new JournalError(`JOURNAL_PATH ${path} is in use by another process`);
}

function refusal(path: string, error: unknown): JournalError {
  return new JournalError(`JOURNAL_PATH ${path} cannot be used: ${(error as Error).message}`);
}
