// The file of one instance's journal over all lives of its process. The page cache outlives a
// process. A power failure loses or tears what was not synced, write by write. A sync that failed
// loses what it covered until its page is written again, as on Linux.

import { crc32 } from 'node:zlib';
import { HEADER_BYTES, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { idToText } from '../../src/payment.ts';
import type { Dice } from './dice.ts';

const PAGE_BYTES = 4096;

interface Write {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Its sync failed: no later one covers it. */
  orphaned: boolean;
}

/** What a write or a sync throws here. */
export class DiskFault extends Error {
  override readonly name = 'DiskFault';
  /** Whose disk failed. */
  readonly victim: { fatal(error: unknown): void };

  constructor(victim: { fatal(error: unknown): void }) {
    super('EIO: the disk fails');
    this.victim = victim;
  }
}

export class SimulatedDisk {
  /** What a process reads. */
  readonly #cache: Buffer;
  /** What a power failure leaves. */
  readonly #platter: Buffer;
  readonly #dice: Dice;
  readonly #keepsWrites: boolean;
  #unsynced: Write[] = [];
  /** Something was promised to be on the disk. */
  wasSynced = false;

  /** Without `losesPower` only the page cache counts. */
  constructor(bytes: number, losesPower: boolean, dice: Dice) {
    this.#cache = Buffer.alloc(bytes);
    this.#platter = Buffer.alloc(bytes);
    this.#keepsWrites = losesPower;
    this.#dice = dice.fork();
  }

  get isBlank(): boolean {
    return this.#cache.every((byte) => byte === 0);
  }

  read(buffer: Uint8Array, position: number): number {
    const part = this.#cache.subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, at: number): void {
    this.#cache.set(bytes, at);
    if (this.#keepsWrites)
      this.#unsynced.push({ at, bytes: new Uint8Array(bytes), orphaned: false });
  }

  /** The write stops at any byte. */
  tear(bytes: Uint8Array, at: number): void {
    this.write(bytes.subarray(0, this.#dice.below(bytes.length)), at);
  }

  /** What a sync that begins now covers. */
  mark(): number {
    return this.#unsynced.length;
  }

  synced(mark: number): void {
    this.wasSynced = true;
    const covered = this.#unsynced.slice(0, mark);
    const pages = new Set(covered.filter(isWritable).map(pageOf));
    for (const write of covered)
      if (pages.has(pageOf(write))) this.#platter.set(write.bytes, write.at);
    const isLeft = (write: Write, n: number): boolean => n >= mark || !pages.has(pageOf(write));
    this.#unsynced = this.#unsynced.filter(isLeft);
  }

  syncFailed(mark: number): void {
    for (const write of this.#unsynced.slice(0, mark)) write.orphaned = true;
  }

  losePower(): void {
    for (const { at, bytes } of this.#unsynced) {
      const fate = this.#dice.below(3);
      if (fate === 0) continue;
      const arrives = fate === 1 ? bytes.length : this.#dice.below(bytes.length + 1);
      // A torn one may lack its beginning as well as its end.
      if (this.#dice.chance(0.5)) this.#platter.set(bytes.subarray(0, arrives), at);
      else this.#platter.set(bytes.subarray(bytes.length - arrives), at + bytes.length - arrives);
    }
    this.#unsynced = [];
    this.#cache.set(this.#platter);
  }

  /** A bit of the cell at `at` flips. */
  damage(at: number): void {
    for (const copy of [this.#cache, this.#platter]) copy[at + 20] = (copy[at + 20] as number) ^ 1;
  }

  /** Bits from `from` on are lost; false if some bytes that are looked at have none. */
  loseBits(from: number): boolean {
    for (let tries = 0; tries < 50; tries++) {
      const at = from + this.#dice.below(this.#cache.length - from);
      const byte = this.#cache[at] as number;
      if (byte === 0) continue;
      this.#cache[at] = this.#dice.below(byte);
      return true;
    }
    return false;
  }

  /** Somebody removes the file, and a new one is made. */
  remove(): void {
    this.#unsynced = [];
    this.#cache.fill(0);
    this.#platter.fill(0);
  }
}

function isWritable({ orphaned }: Write): boolean {
  return !orphaned;
}

function pageOf({ at }: Write): number {
  return Math.floor(at / PAGE_BYTES);
}

/**
 * The later cells of all slots with two whole ones, as far as they say that an attempt may be at a
 * processor.
 */
export function pinnedCells(
  disk: SimulatedDisk,
  slots: number,
): readonly { readonly at: number; readonly id: string }[] {
  const cells: { at: number; id: string }[] = [];
  const words = new Uint32Array(SLOT_BYTES / 4);
  const cellWords = words.length / 2;
  for (let slot = 0; slot < slots; slot++) {
    const at = HEADER_BYTES + slot * SLOT_BYTES;
    disk.read(new Uint8Array(words.buffer), at);
    if (!isWhole(words.subarray(0, cellWords)) || !isWhole(words.subarray(cellWords))) continue;
    // A power failure may have left a payment in one cell alone: nothing could make up for that
    // one.
    const ids = [idToText(words, 4), idToText(words, cellWords + 4)];
    if (ids[0] !== ids[1]) continue;
    const later = ((words[1] as number) - (words[cellWords + 1] as number)) | 0;
    const from = later > 0 ? 0 : cellWords;
    const state = words[from + 3] as number;
    // The journal's states: 2 and 3 are pinned, 4 and 5 charged.
    if (state >= 2 && state <= 5) cells.push({ at: at + from * 4, id: idToText(words, from + 4) });
  }
  return cells;
}

function isWhole(cell: Uint32Array): boolean {
  const bytes = new Uint8Array(cell.buffer, cell.byteOffset, cell.byteLength);
  return cell[0] === crc32(bytes.subarray(4));
}
