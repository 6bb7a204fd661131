// Reads and writes that take a whole buffer, where the system may take a part at a time.

import { readSync, writeSync } from 'node:fs';

/** Returns the number of bytes read: fewer than `buffer` has at the file's end. */
export function readWhole(descriptor: number, buffer: Uint8Array, position: number): number {
  let done = 0;
  while (done < buffer.length) {
    const read = readSync(descriptor, buffer, done, buffer.length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

/**
 * Returns false if the system takes nothing more without saying why. A full disk takes a part
 * first; the next write throws the reason.
 */
export function writeWhole(descriptor: number, buffer: Uint8Array, position: number): boolean {
  let done = 0;
  while (done < buffer.length) {
    const written = writeSync(descriptor, buffer, done, buffer.length - done, position + done);
    if (written === 0) return false;
    done += written;
  }
  return true;
}
