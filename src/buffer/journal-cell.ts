// The journal's cells: the states of a slot, and how a cell is encoded, checked and placed in the
// file. journal.ts draws the file.
//
//   cell: crc u32 · sequence u32 · slot u32 · state u32 · id 4 × u32 · cents f64 ·
//         acceptedAt f64 · requestedAt f64 · journal f64

import { crc32 } from 'node:zlib';
import type { IdWords, ProcessorIndex } from '../payment.ts';
import { CELL_BYTES, HEADER_BYTES, SLOT_BYTES } from './journal-header.ts';
import type { Ring } from './ring.ts';

export const STATE_FREE = 0;
export const STATE_HELD = 1;
export const STATE_PINNED = 2; // + the processor's number
export const STATE_CHARGED = 4; // + the processor's number
export const STATE_DOUBTFUL = 6;
export const STATE_GIVEN_UP = 7; // + 1 if a processor may have charged it
const STATE_MAX = 8;

/** The words of a valid cell; 'empty' if the cell was never written; else 'damaged'. */
export type Cell = Uint32Array | 'empty' | 'damaged';

/** What a valid cell says of its slot's payment; of the last one if the slot is free. */
export interface CellContent {
  readonly state: number;
  readonly id: IdWords;
  readonly amountCents: number;
  readonly acceptedAtMs: number;
  readonly requestedAtMs: number;
  /** The pin; undefined without one. */
  readonly processor: ProcessorIndex | undefined;
  readonly isCharged: boolean;
}

/** What a start finds in the cells of a journal. */
export interface Recovered {
  /** Slots restored into the ring. */
  readonly slots: readonly number[];
  /** Cells with a wrong checksum, slot or journal. None of them became a payment. */
  readonly damagedCells: number;
}

/** A cell of a new file. */
const NEVER_WRITTEN = Buffer.alloc(CELL_BYTES);

/** Reads a copy of the cell in `bytes`. A cell of another slot or journal is damaged. */
function loadCell(bytes: Buffer, slot: number, journalId: number): Cell {
  if (bytes.equals(NEVER_WRITTEN)) return 'empty';
  const words = new Uint32Array(new Uint8Array(bytes).buffer);
  const isValid =
    words[0] === crc32(bytes.subarray(4)) &&
    words[2] === slot &&
    (words[3] as number) <= STATE_MAX &&
    new Float64Array(words.buffer)[7] === journalId;
  return isValid ? words : 'damaged';
}

/** Reads both cells of `slot` from `bytes`, which begin with them. */
export function loadCells(bytes: Buffer, slot: number, journalId: number): readonly [Cell, Cell] {
  return [
    loadCell(bytes.subarray(0, CELL_BYTES), slot, journalId),
    loadCell(bytes.subarray(CELL_BYTES, SLOT_BYTES), slot, journalId),
  ];
}

/** The cell that counts: the valid one with the later sequence. undefined if none is valid. */
export function latestOf(cells: readonly Cell[]): Uint32Array | undefined {
  let latest: Uint32Array | undefined;
  for (const cell of cells) {
    if (typeof cell === 'string') continue;
    // The difference decides, so a sequence that wraps after 2^32 writes is harmless.
    if (!latest || (((cell[1] as number) - (latest[1] as number)) | 0) > 0) latest = cell;
  }
  return latest;
}

export function contentOf(cell: Uint32Array): CellContent {
  const [, , , , amountCents, acceptedAtMs, requestedAtMs] = new Float64Array(cell.buffer);
  const state = cell[3] as number;
  const isCharged = state >= STATE_CHARGED && state < STATE_DOUBTFUL;
  const isPinned = state >= STATE_PINNED && state < STATE_DOUBTFUL;
  const base = isCharged ? STATE_CHARGED : STATE_PINNED;
  return {
    state,
    id: cell.subarray(4, 8),
    amountCents: amountCents as number,
    acceptedAtMs: acceptedAtMs as number,
    requestedAtMs: requestedAtMs as number,
    processor: isPinned ? ((state - base) as ProcessorIndex) : undefined,
    isCharged,
  };
}

/** The same cell with its payment in doubt; undefined if it isn't that of an unpinned payment. */
export function inDoubt(cell: Buffer): Buffer | undefined {
  if (cell.readUInt32LE(0) !== crc32(cell.subarray(4))) return undefined;
  if (cell.readUInt32LE(12) !== STATE_HELD) return undefined;
  const doubtful = Buffer.from(cell);
  doubtful.writeUInt32LE(STATE_DOUBTFUL, 12);
  doubtful.writeUInt32LE(crc32(doubtful.subarray(4)), 0);
  return doubtful;
}

/** The byte offset of a slot's cell with this sequence number. */
export function cellAt(slot: number, sequence: number): number {
  return HEADER_BYTES + slot * SLOT_BYTES + (sequence & 1) * CELL_BYTES;
}

/** Encodes cells, each into the same buffer. */
export class CellEncoder {
  journalId = 0;
  readonly #cell = new ArrayBuffer(CELL_BYTES);
  readonly #bytes = Buffer.from(this.#cell);
  readonly #checked = this.#bytes.subarray(4);
  readonly #words = new Uint32Array(this.#cell);
  readonly #floats = new Float64Array(this.#cell);

  /** The cell for the payment that `ring` has in `slot`. Valid until the next call. */
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
