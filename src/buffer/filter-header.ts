// The header of the Bloom filter's file: it names the journal's ledger and place, the run of the
// machine that wrote it, and the filter's segments.
//
//   word 0 crc · 1–2 'SETTLED' · 3 version · 4 instance · 5 instances · 6 seed · 7 segments ·
//        8–9 id f64 · 10–13 ledger · 14–17 boot · 18… blocks of each segment

import { crc32 } from 'node:zlib';
import { uuidOf, type Place } from './journal-header.ts';

export const FILTER_HEADER_BYTES = 4096;
const VERSION = 1;
const FIXED_WORDS = 18;
const SEGMENTS_MAX = 64;

export interface FilterHeader extends Place {
  /** A random number: the journal's header names the file that has every id by it. */
  readonly id: number;
  readonly ledgerId: string;
  /** Which run of which machine: the page cache ends with it. */
  readonly bootId: string;
  readonly seed: number;
  readonly blocks: readonly number[];
}

export function encodeFilterHeader(header: FilterHeader): Uint8Array {
  const bytes = Buffer.alloc(FILTER_HEADER_BYTES);
  bytes.write('SETTLED', 4, 'latin1');
  const { instance, instances, seed, blocks } = header;
  const words = [VERSION, instance, instances, seed, blocks.length];
  for (const [n, word] of words.entries()) bytes.writeUInt32LE(word, 12 + 4 * n);
  bytes.writeDoubleLE(header.id, 32);
  bytes.write(header.ledgerId.replaceAll('-', ''), 40, 'hex');
  bytes.write(header.bootId.replaceAll('-', ''), 56, 'hex');
  for (const [n, count] of blocks.entries()) bytes.writeUInt32LE(count, 4 * (FIXED_WORDS + n));
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** undefined if it is none, or damaged, or of another version. */
export function decodeFilterHeader(bytes: Buffer): FilterHeader | undefined {
  if (bytes.length < FILTER_HEADER_BYTES) return undefined;
  if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return undefined;
  const word = (n: number): number => bytes.readUInt32LE(4 * n);
  if (bytes.toString('latin1', 4, 11) !== 'SETTLED' || word(3) !== VERSION) return undefined;
  if (word(7) < 1 || word(7) > SEGMENTS_MAX) return undefined;
  return {
    instance: word(4),
    instances: word(5),
    seed: word(6),
    id: bytes.readDoubleLE(32),
    ledgerId: uuidOf(bytes.toString('hex', 40, 56)),
    bootId: uuidOf(bytes.toString('hex', 56, 72)),
    blocks: Array.from({ length: word(7) }, (_, n) => word(FIXED_WORDS + n)),
  };
}
