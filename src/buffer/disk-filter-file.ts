// The Bloom filter's file on a real disk, beside the journal. The journal's lock keeps other
// processes from it.

import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import type { Log } from '../log/log.ts';
import type { FilterFile } from './filter-file.ts';
import { readWhole, writeWhole } from './whole-io.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

export class DiskFilterFile implements FilterFile {
  readonly bootId: string;
  readonly #descriptor: number;

  /** @throws the system's error if the file can't be opened or made */
  constructor(path: string) {
    this.bootId = readBootId();
    this.#descriptor = open(path);
  }

  read(buffer: Uint8Array, position: number): number {
    return readWhole(this.#descriptor, buffer, position);
  }

  write(buffer: Uint8Array, position: number): void {
    if (writeWhole(this.#descriptor, buffer, position)) return;
    throw new Error('the disk takes nothing more');
  }

  empty(): void {
    ftruncateSync(this.#descriptor, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** undefined, with a line in the log, if it can't be used: then starts read all ids anew. */
export function openFilterFile(journalPath: string, log: Log): DiskFilterFile | undefined {
  try {
    return new DiskFilterFile(`${journalPath}.filter`);
  } catch (error) {
    log.warn('settled ids can not be kept', { message: String(error) });
    return undefined;
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(path, 'wx+', 0o600);
}

/** '' on another system than Linux. */
function readBootId(): string {
  try {
    return readFileSync(BOOT_ID, 'latin1').trim();
  } catch {
    return '';
  }
}
