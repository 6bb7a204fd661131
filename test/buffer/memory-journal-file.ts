// A journal's file in memory, with the faults of a disk: a write torn at any byte, a write or a
// sync that fails, and a power failure that takes what was not synced.

import type { JournalFile } from '../../src/buffer/journal.ts';

export class MemoryJournalFile implements JournalFile {
  /** What a next process reads: the page cache. */
  readonly cache: Buffer;
  /** What survives a power failure. */
  readonly disk: Buffer;
  /** Where the latest write began. */
  lastAt = 0;
  writes = 0;
  /** How many bytes of the next write arrive before it fails; undefined while the disk works. */
  tearAfter: number | undefined;
  readonly #syncs: { resolve: () => void; reject: (error: Error) => void; seen: Buffer }[] = [];

  constructor(bytes: number) {
    this.cache = Buffer.alloc(bytes);
    this.disk = Buffer.alloc(bytes);
  }

  /** The file as another process would find it, with `contents`. */
  static holding(contents: Uint8Array): MemoryJournalFile {
    const file = new MemoryJournalFile(contents.length);
    file.cache.set(contents);
    file.disk.set(contents);
    return file;
  }

  read(buffer: Uint8Array, position: number): number {
    const part = this.cache.subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  }

  write(buffer: Uint8Array, position: number): void {
    this.writes++;
    this.lastAt = position;
    const arriving = this.tearAfter === undefined ? buffer : buffer.subarray(0, this.tearAfter);
    this.cache.set(arriving, position);
    if (this.tearAfter !== undefined) throw new Error('EIO: the disk fails');
  }

  /** Takes as long as the test wants it to. */
  sync(): Promise<void> {
    const seen = Buffer.from(this.cache);
    return new Promise((resolve, reject) => {
      this.#syncs.push({ resolve, reject, seen });
    });
  }

  /** Syncs under way. */
  get syncing(): number {
    return this.#syncs.length;
  }

  endSync(failure?: Error): void {
    const sync = this.#syncs.shift();
    if (!sync) throw new Error('no sync is under way');
    if (failure) return sync.reject(failure);
    this.disk.set(sync.seen);
    sync.resolve();
  }
}
