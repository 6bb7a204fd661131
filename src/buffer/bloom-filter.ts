// A blocked Bloom filter in memory, of the ids of settled payments. With it a new payment needs no
// query of the ledger, and a repeat, even days later, is caught before its 202.
//
// It grows: when its newest segment is full, the next ids go into another one, twice as large, up
// to a size for all of them. A filter that may not grow any more only makes more queries.

import { hashId, type IdWords } from '../payment.ts';
import { BLOCK_BYTES, FilterSegment } from './filter-segment.ts';

const MEBIBYTE = 1024 * 1024;
/** The first segment's share of the largest size, and its largest size: 2.4 million ids. */
const FIRST_SHARE = 1 / 4;
const FIRST_BYTES_MAX = 4 * MEBIBYTE;

export class BloomFilter {
  /** Whether every settled id is in the filter; false until the ids of earlier runs are known. */
  complete = false;
  /** Called with the number of a segment, and that of a block of it that has changed. */
  onChange: ((segment: number, block: number) => void) | undefined;
  /** Called when the newest segment is full and there may be another one: `grow` ends that. */
  onFull: () => void = () => this.grow();
  #isGrowing = false;
  #segments: FilterSegment[] = [];
  #newest!: FilterSegment;
  #seed: number;
  readonly #blocksMax: number;

  /** `mebibytes` is the size up to which it may grow. */
  constructor(mebibytes: number, seed: number) {
    this.#blocksMax = Math.max(1, Math.floor((mebibytes * MEBIBYTE) / BLOCK_BYTES));
    this.#seed = seed;
    this.grow();
  }

  get seed(): number {
    return this.#seed;
  }

  get segments(): readonly FilterSegment[] {
    return this.#segments;
  }

  /** About how many ids it has, by its bits. */
  get ids(): number {
    return this.#segments.reduce((sum, { ids }) => sum + ids, 0);
  }

  get bitsSet(): number {
    return this.#segments.reduce((sum, { bitsSet }) => sum + bitsSet, 0);
  }

  /** The part of all bits that is set, from 0 to 1. */
  get fill(): number {
    return this.bitsSet / this.#segments.reduce((sum, { bits }) => sum + bits, 0);
  }

  get bytes(): number {
    return this.#blocks * BLOCK_BYTES;
  }

  /** The blocks of the next segment; 0 if there may be none. */
  get nextBlocks(): number {
    const share = Math.floor(this.#blocksMax * FIRST_SHARE);
    const first = Math.max(1, Math.min(FIRST_BYTES_MAX / BLOCK_BYTES, share));
    const wanted = this.#segments.length === 0 ? first : 2 * this.#newest.blocks;
    return Math.min(wanted, this.#blocksMax - this.#blocks);
  }

  /** It has more ids than it is made for, and may not grow. */
  get isFull(): boolean {
    return this.#newest.isFull && this.nextBlocks === 0;
  }

  /** Returns false if it may have had the id before. */
  add(ids: IdWords, at = 0): boolean {
    const place = hashId(ids, at, this.#seed);
    const hash = this.#secondHash(ids, at);
    if (this.#has(place, hash)) return false;
    const segment = this.#segments.length - 1;
    const block = this.#newest.add(place, hash);
    this.onChange?.(segment, block);
    if (this.#newest.isFull && !this.#isGrowing && this.nextBlocks > 0) {
      this.#isGrowing = true;
      this.onFull();
    }
    return true;
  }

  /** True: query the ledger. False: the id is certainly not settled, but only if `complete`. */
  mayHave(ids: IdWords, at = 0): boolean {
    return this.#has(hashId(ids, at, this.#seed), this.#secondHash(ids, at));
  }

  /** Adds a segment: `nextBlocks` empty ones by default. */
  grow(segment = new FilterSegment(this.nextBlocks)): void {
    this.#isGrowing = false;
    this.#segments.push(segment);
    this.#newest = segment;
  }

  /** Takes what an earlier life has left. */
  restore(seed: number, segments: readonly FilterSegment[]): void {
    this.#seed = seed;
    this.#segments = [];
    for (const segment of segments) this.grow(segment);
  }

  clear(): void {
    this.#segments = [];
    this.grow();
  }

  get #blocks(): number {
    return this.#segments.reduce((sum, { blocks }) => sum + blocks, 0);
  }

  #has(place: number, hash: number): boolean {
    for (const segment of this.#segments) if (segment.mayHave(place, hash)) return true;
    return false;
  }

  #secondHash(ids: IdWords, at: number): number {
    return hashId(ids, at, this.#seed ^ 0x5bd1e995);
  }
}
