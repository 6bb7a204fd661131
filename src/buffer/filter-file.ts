// The Bloom filter's file: its header, and the blocks of all segments in turn.
//
//   0          4096       4096 + 64 i
//   ┌──────────┬─────────┬─── ┬───────────────────────┬───────────────────────────┐
//   │ header   │ block 0 │ …  │ blocks of segment 1 … │ blocks of segment 2 …     │
//   └──────────┴─────────┴─── ┴───────────────────────┴───────────────────────────┘

import type { BloomFilter } from './bloom-filter.ts';
import {
  decodeFilterHeader,
  encodeFilterHeader,
  FILTER_HEADER_BYTES,
  type FilterHeader,
} from './filter-header.ts';
import { BLOCK_BYTES, FilterSegment } from './filter-segment.ts';

/** Every method is synchronous and throws the system's error. */
export interface FilterFile {
  /** Names this run of this machine; '' if that isn't known. */
  readonly bootId: string;
  /** Returns the number of bytes read: fewer than `buffer` has at the file's end. */
  read(buffer: Uint8Array, position: number): number;
  write(buffer: Uint8Array, position: number): void;
  /** Gives the disk its room back. */
  empty(): void;
}

/** Read or written at once: some hundred microseconds. */
const CHUNK_BLOCKS = 2_048;

const chunk = (): Buffer => Buffer.from(new ArrayBuffer(CHUNK_BLOCKS * BLOCK_BYTES));
const positionOf = (block: number): number => FILTER_HEADER_BYTES + block * BLOCK_BYTES;
const saltOf = (id: number): number => Math.floor(id * 2 ** 31);

/** undefined if it is none, or damaged. @throws the system's error */
export function readFilterHeader(file: FilterFile): FilterHeader | undefined {
  const bytes = Buffer.alloc(FILTER_HEADER_BYTES);
  return decodeFilterHeader(bytes.subarray(0, file.read(bytes, 0)));
}

/** undefined if a block is damaged, or missing. @throws the system's error */
export function readSegments(
  file: FilterFile,
  { blocks, id }: FilterHeader,
): readonly FilterSegment[] | undefined {
  const buffer = chunk();
  const segments: FilterSegment[] = [];
  let before = 0;
  for (const count of blocks) {
    const segment = new FilterSegment(count);
    for (let first = 0; first < count; first += CHUNK_BLOCKS) {
      const bytes = buffer.subarray(0, Math.min(CHUNK_BLOCKS, count - first) * BLOCK_BYTES);
      if (file.read(bytes, positionOf(before + first)) < bytes.length) return undefined;
      if (!segment.copyFrom(bytes, first, saltOf(id) + before)) return undefined;
    }
    segments.push(segment);
    before += count;
  }
  return segments;
}

/** Writes a filter into its file. Every method throws the system's error. */
export class FilterWriter {
  /** The file's random number. */
  readonly id: number;
  readonly #file: FilterFile;
  readonly #filter: BloomFilter;
  readonly #block = Buffer.from(new ArrayBuffer(BLOCK_BYTES));
  readonly #chunk = chunk();

  constructor(file: FilterFile, filter: BloomFilter, id: number) {
    this.#file = file;
    this.#filter = filter;
    this.id = id;
  }

  writeBlock(segment: number, block: number): void {
    const before = this.#blocksBefore(segment);
    this.#filter.segments[segment]?.copyTo(this.#block, block, saltOf(this.id) + before);
    this.#file.write(this.#block, positionOf(before + block));
  }

  /** Writes a part of the segment that is, or will be, the filter's `n`-th, after each step. */
  *writeSegment(n: number, segment: FilterSegment): Generator<void, void> {
    const before = this.#blocksBefore(n);
    for (let first = 0; first < segment.blocks; first += CHUNK_BLOCKS) {
      const blocks = Math.min(CHUNK_BLOCKS, segment.blocks - first);
      const bytes = this.#chunk.subarray(0, blocks * BLOCK_BYTES);
      segment.copyTo(bytes, first, saltOf(this.id) + before);
      this.#file.write(bytes, positionOf(before + first));
      yield;
    }
  }

  /** The file is of no use without it: it comes after the blocks that it names. */
  writeHeader(of: Pick<FilterHeader, 'instance' | 'instances' | 'ledgerId'>): void {
    const { seed, segments } = this.#filter;
    const { bootId } = this.#file;
    const blocks = segments.map((segment) => segment.blocks);
    this.#file.write(encodeFilterHeader({ ...of, id: this.id, bootId, seed, blocks }), 0);
  }

  #blocksBefore(segment: number): number {
    const { segments } = this.#filter;
    let blocks = 0;
    for (let n = 0; n < segment; n++) blocks += (segments[n] as FilterSegment).blocks;
    return blocks;
  }
}
