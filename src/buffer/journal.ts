// The journal: the ring's picture in a file, so that what was accepted outlives the process.
//
// Slot i has two cells of 64 bytes, written in turn; the valid one with the later sequence counts. A write that was
// torn therefore leaves the state before it, which is the right one: what a write permits (the 202, the attempt, the
// reuse of the slot) happens only after it.
//
//   0          4096                4096 + 128 i
//   ┌──────────┬───────┬───────┬─── ┬────────────┬────────────┐
//   │ header   │ slot 0│ slot 1│ …  │ cell even  │ cell odd   │
//   └──────────┴───────┴───────┴─── └────────────┴────────────┘
//   cell: crc u32 · sequence u32 · slot u32 · state u32 · id 4 × u32 · cents f64 · acceptedAt f64 · requestedAt f64 · journal f64
//
// Written with pwrite into the page cache, which survives kill -9. `synced` waits for the disk where that is asked for.

import type { IdWords, ProcessorIndex } from '../payment.ts';
import { GroupSync } from './group-sync.ts';
import {
  cellAt,
  CellEncoder,
  loadCell,
  STATE_CHARGED,
  STATE_DOUBTFUL,
  STATE_FREE,
  STATE_HELD,
  STATE_PINNED,
  type Cell,
} from './journal-cell.ts';
import {
  CELL_BYTES,
  HEADER_BYTES,
  JournalError,
  SLOT_BYTES,
  decodeHeader,
  encodeHeader,
  headerAt,
  newHeader,
  type Header,
  type Place,
} from './journal-header.ts';
import { KEPT, NOT_CHARGED, UNPINNED, type Ring } from './ring.ts';

/** The file below; every method but `sync` is synchronous and throws the system's error. */
export interface JournalFile {
  read(buffer: Uint8Array, position: number): number;
  write(buffer: Uint8Array, position: number): void;
  /** Resolves when all that was written before the call is on the disk. */
  sync(): Promise<void>;
}

export type JournalSync = 'never' | 'interval' | 'always';

export { HEADER_BYTES, JournalError, SLOT_BYTES };

/** A journal that no start has a word of yet. */
const ALONE: Place = { instance: 0, instances: 1 };

export interface Recovered {
  /** Slots restored into the ring. */
  readonly slots: readonly number[];
  /** Cells that failed their checksum or belong elsewhere. None of them became a payment. */
  readonly damagedCells: number;
}

export class Journal {
  readonly #file: JournalFile;
  readonly #ring: Ring;
  readonly #sync: JournalSync;
  readonly #group: GroupSync;
  readonly #sequences: Uint32Array;
  readonly #encoder = new CellEncoder();
  readonly #pair = Buffer.alloc(SLOT_BYTES);
  #header: Header | undefined;

  constructor(file: JournalFile, ring: Ring, sync: JournalSync) {
    this.#file = file;
    this.#ring = ring;
    this.#sync = sync;
    this.#group = new GroupSync(file);
    this.#sequences = new Uint32Array(ring.slots);
  }

  /** Writes the header of a new, zeroed file. `journalId` is any number that no other journal has. */
  format(journalId: number, place = ALONE): void {
    this.keep(newHeader(this.#ring.slots, journalId, place));
  }

  /** After `format` or `recover`. */
  get header(): Header {
    if (this.#header === undefined) throw new Error('the journal was not read yet');
    return this.#header;
  }

  /** Writes the header. @throws when the disk fails */
  keep(header: Header): void {
    this.#file.write(encodeHeader(header), 0);
    this.#header = header;
    this.#encoder.journalId = header.journalId;
  }

  /**
   * Reads the file into the ring. `onFreed` is told the ids of payments that were settled last, one
   * a slot, during its call.
   * @throws JournalError when it is not a journal for this ring, or for this place
   */
  recover(place?: Place, onFreed: (id: IdWords) => void = ignore): Recovered {
    const header = this.#readHeader();
    const slots: number[] = [];
    let damagedCells = 0;
    const pair = Buffer.alloc(SLOT_BYTES * 1024);
    for (let first = 0; first < this.#ring.slots; first += 1024) {
      const end = Math.min(this.#ring.slots, first + 1024);
      const wanted = pair.subarray(0, (end - first) * SLOT_BYTES);
      if (this.#file.read(wanted, HEADER_BYTES + first * SLOT_BYTES) < wanted.length) {
        throw new JournalError('JOURNAL_PATH is cut short: slots of the ring are missing in it');
      }
      for (let slot = first; slot < end; slot++) {
        const at = (slot - first) * SLOT_BYTES;
        const even = loadCell(pair.subarray(at, at + CELL_BYTES), slot, this.#encoder.journalId);
        const odd = loadCell(
          pair.subarray(at + CELL_BYTES, at + SLOT_BYTES),
          slot,
          this.#encoder.journalId,
        );
        damagedCells += (even === 'damaged' ? 1 : 0) + (odd === 'damaged' ? 1 : 0);
        if (this.#restore(slot, [even, odd], onFreed)) slots.push(slot);
      }
    }
    this.#ring.endRestore();
    // Written once more, as every cell that counts.
    this.keep(place === undefined ? header : headerAt(header, place, slots.length));
    return { slots, damagedCells };
  }

  /** The payment in `slot` is accepted. Before its 2xx leaves. */
  hold(slot: number): void {
    const state = this.#ring.isDoubtful[slot] === 1 ? STATE_DOUBTFUL : STATE_HELD;
    // A slot's first payment stands in both cells: a cell that is empty later on has lost what it
    // said.
    if (this.#sequences[slot] === 0) this.#writeBoth(slot, state);
    else this.#write(slot, state);
  }

  /** An attempt of the payment in `slot` may be at its pin's processor. Before the attempt leaves. */
  pin(slot: number): void {
    const pin = this.#ring.pinOf(slot);
    if (pin === UNPINNED) throw new Error(`slot ${slot} has no pin`);
    this.#write(slot, STATE_PINNED + pin);
  }

  /**
   * The pin's processor holds the payment in `slot`, with the ring's values. A start after this
   * needs no answer of the processor to record it.
   */
  charged(slot: number): void {
    const pin = this.#ring.pinOf(slot);
    if (pin === UNPINNED) throw new Error(`slot ${slot} has no pin`);
    this.#ring.chargeState[slot] = KEPT;
    this.#write(slot, STATE_CHARGED + pin);
  }

  /** The payment in `slot` is in the ledger, at its owner, or purged. Before the slot is used again. */
  free(slot: number): void {
    // A first write that failed may have reached both cells.
    if (this.#sequences[slot] === 0) this.#writeBoth(slot, STATE_FREE);
    else this.#write(slot, STATE_FREE);
  }

  /**
   * With JOURNAL_SYNC=always a promise that resolves once all that was written so far is on the disk (one fdatasync for all
   * who wait); otherwise undefined. It rejects when the disk fails: then nothing written can be relied on.
   */
  synced(): Promise<void> | undefined {
    return this.#sync === 'always' ? this.syncNow() : undefined;
  }

  syncNow(): Promise<void> {
    return this.#group.syncNow();
  }

  #readHeader(): Header {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const read = this.#file.read(bytes, 0);
    const header = decodeHeader(bytes.subarray(0, read), this.#ring.slots);
    this.#encoder.journalId = header.journalId;
    return header;
  }

  #restore(slot: number, cells: readonly Cell[], onFreed: (id: IdWords) => void): boolean {
    let latest: Uint32Array | undefined;
    for (const cell of cells) {
      if (typeof cell === 'string') continue;
      // Serial numbers: the difference decides, so a wrap after 2^32 writes is harmless.
      if (!latest || (((cell[1] as number) - (latest[1] as number)) | 0) > 0) latest = cell;
    }
    if (!latest) return false;
    this.#sequences[slot] = latest[1] as number;
    const state = latest[3] as number;
    if (state === STATE_FREE) {
      onFreed(latest.subarray(4, 8));
      return false;
    }
    // As it stands, once more: after a sync that failed it may be in the page cache alone, where no later sync would look for it.
    this.#file.write(new Uint8Array(latest.buffer), cellAt(slot, latest[1] as number));
    const [, , , , cents, acceptedAtMs, requestedAtMs] = new Float64Array(latest.buffer);
    const id = latest.subarray(4, 8);
    // After a disk failure or a power failure an id may stand in two slots: two of them would be charged twice.
    const twin = this.#ring.find(id);
    if (twin < 0) this.#ring.restore(slot, id, cents as number, acceptedAtMs as number);
    const holder = twin < 0 ? slot : twin;
    const isPinned = state >= STATE_PINNED && state < STATE_DOUBTFUL;
    if (isPinned && this.#ring.pinOf(holder) === UNPINNED) {
      const isCharged = state >= STATE_CHARGED;
      const processor = (state - (isCharged ? STATE_CHARGED : STATE_PINNED)) as ProcessorIndex;
      this.#ring.pin(holder, processor, requestedAtMs as number);
      this.#ring.chargeState[holder] = isCharged ? KEPT : NOT_CHARGED;
      if (isCharged) this.#ring.correct(holder, cents as number, requestedAtMs as number);
      if (twin >= 0) this.#write(twin, state);
    }
    // The damaged cell may be the later one, and may have had a pin.
    const isWhole = cells.every((cell) => typeof cell === 'object');
    if (!isPinned && (state === STATE_DOUBTFUL || !isWhole)) {
      this.#ring.isDoubtful[holder] = 1;
    }
    return twin < 0;
  }

  #write(slot: number, state: number): void {
    const sequence = ((this.#sequences[slot] as number) + 1) >>> 0;
    const cell = this.#encoder.encode(this.#ring, slot, state, sequence);
    this.#file.write(cell, cellAt(slot, sequence));
    this.#sequences[slot] = sequence;
  }

  /** In one go: the odd cell, which is the second one in the file, and then the even one. */
  #writeBoth(slot: number, state: number): void {
    this.#pair.set(this.#encoder.encode(this.#ring, slot, state, 1), CELL_BYTES);
    this.#pair.set(this.#encoder.encode(this.#ring, slot, state, 2), 0);
    this.#file.write(this.#pair, cellAt(slot, 2));
    this.#sequences[slot] = 2;
  }
}

function ignore(): void {}
