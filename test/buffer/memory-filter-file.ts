// The Bloom filter's file in memory, with the faults of a disk: writes that are torn and fail.

import type { FilterFile } from '../../src/buffer/filter-file.ts';

export const BOOT = '00000000-0000-0000-0000-000000000001';

export class MemoryFilterFile implements FilterFile {
  bootId = BOOT;
  bytes = Buffer.alloc(0);
  writes = 0;
  /** How many bytes of the next write arrive before it fails; undefined while the disk works. */
  tearAfter: number | undefined;

  read(buffer: Uint8Array, position: number): number {
    return this.bytes.copy(buffer, 0, position);
  }

  write(buffer: Uint8Array, position: number): void {
    this.writes++;
    const arriving = this.tearAfter === undefined ? buffer : buffer.subarray(0, this.tearAfter);
    const end = position + arriving.length;
    if (end > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(end - this.bytes.length)]);
    }
    this.bytes.set(arriving, position);
    if (this.tearAfter !== undefined) throw new Error('EIO: the disk fails');
  }

  empty(): void {
    this.bytes = Buffer.alloc(0);
  }
}
