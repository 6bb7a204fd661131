// The journal's file on a real disk: of one process alone, and allocated whole before the first payment, so that
// a disk that fills up later can't refuse a write.

import { spawnSync } from 'node:child_process';
import { closeSync, fdatasync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { JournalError, type JournalFile } from './journal.ts';

const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

export class DiskJournalFile implements JournalFile {
  /** Whether the file was made just now and has no header yet. */
  readonly isNew: boolean;
  readonly #descriptor: number;

  /**
   * Opens or makes the file of `bytes` bytes at `path` and locks it for as long as this process lives.
   * @throws JournalError when it can't be made, written or locked.
   */
  constructor(path: string, bytes: number) {
    this.#descriptor = open(path);
    try {
      lock(this.#descriptor, path);
      // Zeros are written first and the header last: a start that died in between begins again.
      this.isNew = this.#isBlank();
      if (this.isNew) this.#allocate(bytes, path);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error instanceof JournalError ? error : refusal(path, error);
    }
  }

  read(buffer: Uint8Array, position: number): number {
    let done = 0;
    while (done < buffer.length) {
      const read = readSync(this.#descriptor, buffer, done, buffer.length - done, position + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  write(buffer: Uint8Array, position: number): void {
    let done = 0;
    while (done < buffer.length) {
      // A full disk takes a part first and says why at the next try.
      const written = writeSync(
        this.#descriptor,
        buffer,
        done,
        buffer.length - done,
        position + done,
      );
      if (written === 0) throw new JournalError('the disk takes nothing more of the journal');
      done += written;
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Whether there are only zeros: where just the header is zero, payments may stand behind it. */
  #isBlank(): boolean {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; ; at += CHUNK_BYTES) {
      const read = this.read(chunk, at);
      if (!chunk.subarray(0, read).equals(ZEROS.subarray(0, read))) return false;
      if (read < CHUNK_BYTES) return true;
    }
  }

  #allocate(bytes: number, path: string): void {
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      this.write(ZEROS.subarray(0, Math.min(CHUNK_BYTES, bytes - at)), at);
    }
    fsyncSync(this.#descriptor);
    // The file's name must outlive a power failure too.
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
 * Node has no flock(2), so the `flock` program locks the descriptor that it inherits. The lock belongs to the open file that
 * both share, stays with us when the program has ended, and is gone when we are, even by kill -9.
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
