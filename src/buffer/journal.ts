// The journal: a copy of the ring in a file, so that accepted payments survive the process.
//
// Slot i has two cells of 64 bytes, written in turn. The valid cell with the later sequence number
// counts. So a torn write leaves the state before the write. That state is right, since the 202,
// the attempt or the reuse of the slot follows only after the write.
//
//   0          4096                4096 + 128 i
//   ┌──────────┬───────┬───────┬─── ┬────────────┬────────────┐
//   │ header   │ slot 0│ slot 1│ …  │ cell even  │ cell odd   │
//   └──────────┴───────┴───────┴─── └────────────┴────────────┘
//
// Cells are written with pwrite into the page cache, which survives kill -9 (see `synced`).

import type { IdWords, ProcessorIndex } from '../payment.ts';
import { GroupSync } from './group-sync.ts';
import {
  cellAt,
  CellEncoder,
  contentOf,
  latestOf,
  loadCells,
  STATE_CHARGED,
  STATE_DOUBTFUL,
  STATE_FREE,
  STATE_GIVEN_UP,
  STATE_HELD,
  STATE_PINNED,
  type Cell,
  type Recovered,
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
  NO_FILTER,
  type FilterMark,
  type Header,
  type JournalFile,
  type Place,
} from './journal-header.ts';
import type { Ring } from './ring.ts';
import {
  CHARGE_JOURNALLED,
  GIVEN_UP,
  GIVEN_UP_OPEN,
  NO_DOUBT,
  NOT_CHARGED,
  PIN_IN_DOUBT,
  UNPINNED,
} from './slot-state.ts';

export type JournalSync = 'never' | 'interval' | 'always';

export { HEADER_BYTES, JournalError, SLOT_BYTES, type JournalFile, type Recovered };

export class Journal {
  writes = 0;
  readonly #file: JournalFile;
  readonly #ring: Ring;
  readonly #sync: JournalSync;
  readonly group: GroupSync;
  readonly #sequences: Uint32Array;
  readonly #encoder = new CellEncoder();
  readonly #pair = Buffer.alloc(SLOT_BYTES);
  #header: Header | undefined;
  /** What each header says of the Bloom filter's file, as it is when the header is written. */
  ofFilter: () => FilterMark = () => NO_FILTER;

  constructor(file: JournalFile, ring: Ring, sync: JournalSync) {
    this.#file = file;
    this.#ring = ring;
    this.#sync = sync;
    this.group = new GroupSync(file);
    this.#sequences = new Uint32Array(ring.slots);
  }

  /** Writes the header of a new, zeroed file. `journalId` is a random number. */
  format(journalId: number, place: Place = { instance: 0, instances: 1 }): void {
    this.writeHeader(newHeader(this.#ring.slots, journalId, place));
  }

  /** @throws before `format` or `recover` */
  get header(): Header {
    if (this.#header === undefined) throw new Error('the journal was not read yet');
    return this.#header;
  }

  /** @throws if the disk fails */
  writeHeader(header: Header): void {
    // The caller's header may be older than what is known of the filter's file.
    this.#header = { ...header, ...this.ofFilter() };
    this.#file.write(encodeHeader(this.#header), 0);
    this.#encoder.journalId = header.journalId;
  }

  /** @throws JournalError if the journal is not for this ring */
  readHeader(): Header {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const length = this.#file.read(bytes, 0);
    return (this.#header = decodeHeader(bytes.subarray(0, length), this.#ring.slots));
  }

  /**
   * Reads the file into the ring. Calls `onFreed` with the id of the payment that a free slot held
   * last; the id is valid during that call.
   * @throws JournalError if the journal is not for this ring or this place
   */
  recover(place?: Place, onFreed?: (id: IdWords) => void): Recovered {
    const header = this.readHeader();
    this.#encoder.journalId = header.journalId;
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
        const cells = loadCells(pair.subarray(at, at + SLOT_BYTES), slot, header.journalId);
        damagedCells += cells.filter((cell) => cell === 'damaged').length;
        if (this.#restore(slot, cells, onFreed)) slots.push(slot);
      }
    }
    this.#ring.endRestore();
    // Written again, like every cell that counts (see #restore).
    this.writeHeader(place === undefined ? header : headerAt(header, place, slots.length));
    return { slots, damagedCells };
  }

  /** Writes that the payment in `slot` is held and not pinned. Call it before the 2xx leaves. */
  hold(slot: number): void {
    const state = this.#ring.doubt[slot] === NO_DOUBT ? STATE_HELD : STATE_DOUBTFUL;
    // A slot's first payment is in both cells, so a cell that is empty later on lost its content.
    if (this.#sequences[slot] === 0) this.#writeBoth(slot, state);
    else this.#write(slot, state);
  }

  /** Writes the pin of the payment in `slot`. Call it before the attempt leaves. */
  pin(slot: number): void {
    this.#write(slot, STATE_PINNED + this.#pinOf(slot));
  }

  /**
   * Writes that the pin's processor charged the payment in `slot`, with the ring's values. A later
   * start records the charge without asking the processor.
   */
  charged(slot: number): void {
    const pin = this.#pinOf(slot);
    this.#ring.chargeState[slot] = CHARGE_JOURNALLED;
    this.#write(slot, STATE_CHARGED + pin);
  }

  /** Writes that an operator gave up the payment in `slot`. Call it before the ledger knows. */
  giveUp(slot: number, mayBeCharged: boolean): void {
    this.#ring.chargeState[slot] = mayBeCharged ? GIVEN_UP_OPEN : GIVEN_UP;
    this.#write(slot, STATE_GIVEN_UP + Number(mayBeCharged));
  }

  /** Writes that `slot` is free. Call it before the slot is used again. */
  release(slot: number): void {
    // A failed first write may have reached both cells.
    if (this.#sequences[slot] === 0) this.#writeBoth(slot, STATE_FREE);
    else this.#write(slot, STATE_FREE);
  }

  /**
   * With JOURNAL_SYNC=always: resolves once all that was written so far is on the disk, by one
   * fdatasync for all callers that wait. Otherwise undefined. Rejects if the disk fails.
   */
  synced(): Promise<void> | undefined {
    return this.#sync === 'always' ? this.syncNow() : undefined;
  }

  syncNow(): Promise<void> {
    return this.group.syncNow();
  }

  /** Resolves when all is on the disk; at once if JOURNAL_SYNC=never. Rejects if the disk fails. */
  async onDisk(): Promise<void> {
    if (this.#sync !== 'never') await this.syncNow();
  }

  #pinOf(slot: number): ProcessorIndex {
    const pin = this.#ring.pinOf(slot);
    if (pin === UNPINNED) throw new Error(`slot ${slot} has no pin`);
    return pin;
  }

  /** Restores the payment in a slot's cells, if any; true if it is now in the ring's `slot`. */
  #restore(slot: number, cells: readonly Cell[], onFreed?: (id: IdWords) => void): boolean {
    const latest = latestOf(cells);
    if (!latest) return false;
    this.#sequences[slot] = latest[1] as number;
    const content = contentOf(latest);
    const { state, id, amountCents, acceptedAtMs, requestedAtMs, processor, isCharged } = content;
    if (state === STATE_FREE) {
      onFreed?.(id);
      return false;
    }
    // Written again unchanged: after a failed sync the cell may be in the page cache alone, marked
    // clean, and no later sync would write it.
    this.#file.write(new Uint8Array(latest.buffer), cellAt(slot, latest[1] as number));
    // After a failure of disk or power an id may be in two slots. It must be one payment, or it
    // would be charged twice.
    const twin = this.#ring.find(id);
    if (twin < 0) this.#ring.restore(slot, id, amountCents, acceptedAtMs);
    const holder = twin < 0 ? slot : twin;
    if (processor !== undefined && this.#ring.pinOf(holder) === UNPINNED) {
      this.#ring.pin(holder, processor, requestedAtMs);
      this.#ring.chargeState[holder] = isCharged ? CHARGE_JOURNALLED : NOT_CHARGED;
      if (isCharged) this.#ring.correct(holder, amountCents, requestedAtMs);
      if (twin >= 0) this.#write(twin, state);
    }
    if (state >= STATE_GIVEN_UP) {
      this.#ring.chargeState[holder] = state === STATE_GIVEN_UP ? GIVEN_UP : GIVEN_UP_OPEN;
      if (twin >= 0) this.#write(twin, state);
    }
    // The damaged cell may be the later one and may have had a pin.
    const isWhole = cells.every((cell) => typeof cell === 'object');
    if (processor === undefined && (state === STATE_DOUBTFUL || !isWhole)) {
      this.#ring.doubt[holder] = PIN_IN_DOUBT;
    }
    return twin < 0;
  }

  #write(slot: number, state: number): void {
    this.writes++;
    const sequence = ((this.#sequences[slot] as number) + 1) >>> 0;
    const cell = this.#encoder.encode(this.#ring, slot, state, sequence);
    this.#file.write(cell, cellAt(slot, sequence));
    this.#sequences[slot] = sequence;
  }

  /** Writes both cells at once: sequence 1 in the odd (second) cell, sequence 2 in the even one. */
  #writeBoth(slot: number, state: number): void {
    this.writes++;
    this.#pair.set(this.#encoder.encode(this.#ring, slot, state, 1), CELL_BYTES);
    this.#pair.set(this.#encoder.encode(this.#ring, slot, state, 2), 0);
    this.#file.write(this.#pair, cellAt(slot, 2));
    this.#sequences[slot] = 2;
  }
}
