// The cells of the journal: what states a slot can be in, and which cells count.

import { crc32 } from 'node:zlib';
import { CELL_BYTES, HEADER_BYTES, SLOT_BYTES } from './journal-header.ts';
import type { Ring } from './ring.ts';

export const STATE_FREE = 0;
export const STATE_HELD = 1;
export const STATE_PINNED = 2; // + the processor's number
export const STATE_CHARGED = 4; // + the processor's number
export const STATE_DOUBTFUL = 6;

/** The words of a valid cell, 'empty' where nothing was ever written, else 'damaged'. */
export type Cell = Uint32Array | 'empty' | 'damaged';

/** A cell of a new file. */
const NEVER_WRITTEN = Buffer.alloc(CELL_BYTES);

/** A copy of the cell in `bytes`, if it is of this slot and this journal. */
export function loadCell(bytes: Buffer, slot: number, journalId: number): Cell {
  if (bytes.equals(NEVER_WRITTEN)) return 'empty';
  const words = new Uint32Array(new Uint8Array(bytes).buffer);
  const isValid =
    words[0] === crc32(bytes.subarray(4)) &&
    words[2] === slot &&
    (words[3] as number) <= STATE_DOUBTFUL &&
    new Float64Array(words.buffer)[7] === journalId;
  return isValid ? words : 'damaged';
}

/** Where a slot's cell of this sequence stands. */
export function cellAt(slot: number, sequence: number): number {
  return HEADER_BYTES + slot * SLOT_BYTES + (sequence & 1) * CELL_BYTES;
}

/** Makes cells, one at a time in one buffer. */
export class CellEncoder {
  journalId = 0;
  readonly #cell = new ArrayBuffer(CELL_BYTES);
  readonly #bytes = Buffer.from(this.#cell);
  readonly #checked = this.#bytes.subarray(4);
  readonly #words = new Uint32Array(this.#cell);
  readonly #floats = new Float64Array(this.#cell);

  /** The cell that says what `ring` has in `slot`; good until the next call. */
  encode(ring: Ring, slot: number, state: number, sequence: number): Buffer {
    const at = slot * 4;
    this.#words[1] = sequence;
    this.#words[2] = slot;
    this.#words[3] = state;
    this.#words[4] = ring.ids[at] as number;
    this.#words[5] = ring.ids[at + 1] as number;
    this.#words[6] = ring.ids[at + 2] as number;
    this.#words[7] = ring.ids[at + 3] as number;
    this.#floats[4] = ring.amountCents[slot] as number;
    this.#floats[5] = ring.acceptedAtMs[slot] as number;
    this.#floats[6] = ring.requestedAtMs[slot] as number;
    this.#floats[7] = this.journalId;
    this.#words[0] = crc32(this.#checked);
    return this.#bytes;
  }
}
