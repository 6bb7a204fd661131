// The journal as a table: the port of the journal's file, over the lease on a shard. A write
// changes a copy in memory; `sync` commits all cells that changed since the last one, in one
// statement.
//
// The table has one cell for each slot: a commit is never torn, so the cell before it is not
// needed. The header's beginning is in the slots -2 and -1.

import {
  CELL_BYTES,
  HEADER_BYTES,
  SLOT_BYTES,
  type JournalFile,
} from '../buffer/journal-header.ts';
import type { CellRow } from './shard-session.ts';
import type { ShardLease } from './shard-lease.ts';

/** What a header uses of its copies' 2,048 bytes each; the rest are zeros. */
const HEADER_CELLS = [-2, -1];
const HEADER_COPY_BYTES = HEADER_BYTES / 2;

export class TableJournal implements JournalFile {
  /** Whether nothing was ever written. */
  readonly isNew: boolean;
  readonly #lease: Pick<ShardLease, 'write'>;
  readonly #header: Buffer;
  readonly #cells: Buffer;
  /** Slots that changed since the latest sync began. */
  #changed = new Set<number>();

  /** `slots` is the ring's size. A cell of a slot beyond it is left alone. */
  constructor(slots: number, rows: readonly CellRow[], lease: Pick<ShardLease, 'write'>) {
    this.#lease = lease;
    const header = headerFrom(rows);
    // Cells without a header are no new journal: a start would forget their payments.
    this.isNew = rows.length === 0;
    this.#header = header ?? Buffer.alloc(HEADER_BYTES);
    this.#cells = Buffer.alloc(slots * CELL_BYTES);
    for (const { slot, cell } of rows) {
      if (slot >= 0 && slot < slots) this.#cells.set(cell, slot * CELL_BYTES);
    }
  }

  /** From a whole slot or the header on. Both cells of a slot are the same. */
  read(buffer: Uint8Array, position: number): number {
    if (position < HEADER_BYTES) {
      return this.#header.copy(buffer, 0, position, position + buffer.length);
    }
    const first = (position - HEADER_BYTES) / SLOT_BYTES;
    const end = Math.min(first + buffer.length / SLOT_BYTES, this.#cells.length / CELL_BYTES);
    for (let slot = first; slot < end; slot++) {
      const cell = this.#cells.subarray(slot * CELL_BYTES, (slot + 1) * CELL_BYTES);
      buffer.set(cell, (slot - first) * SLOT_BYTES);
      buffer.set(cell, (slot - first) * SLOT_BYTES + CELL_BYTES);
    }
    return Math.max(0, end - first) * SLOT_BYTES;
  }

  /** The whole header, a cell, or both cells of a slot. */
  write(buffer: Uint8Array, position: number): void {
    if (position < HEADER_BYTES) {
      this.#header.set(buffer, position);
      for (const slot of HEADER_CELLS) this.#changed.add(slot);
      return;
    }
    const slot = Math.floor((position - HEADER_BYTES) / SLOT_BYTES);
    // Of both cells the first one is the later (Journal, #writeBoth).
    this.#cells.set(buffer.subarray(0, CELL_BYTES), slot * CELL_BYTES);
    this.#changed.add(slot);
  }

  /** Resolves when all that was written before the call is committed. @throws LeaseLost */
  async sync(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    if (changed.length === 0) return;
    const cells = Buffer.concat(changed.map((slot) => this.#cellOf(slot)));
    await this.#lease.write(changed, cells);
  }

  #cellOf(slot: number): Buffer {
    if (slot >= 0) return this.#cells.subarray(slot * CELL_BYTES, (slot + 1) * CELL_BYTES);
    const at = (slot - (HEADER_CELLS[0] as number)) * CELL_BYTES;
    return this.#header.subarray(at, at + CELL_BYTES);
  }
}

/** The journal's header as it is in a file; undefined if there is none yet. */
export function headerFrom(rows: readonly CellRow[]): Buffer | undefined {
  const parts = HEADER_CELLS.map((slot) => rows.find((row) => row.slot === slot)?.cell);
  const [first, second] = parts;
  if (first === undefined || second === undefined) return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  for (const copy of [0, HEADER_COPY_BYTES]) {
    header.set(first, copy);
    header.set(second, copy + CELL_BYTES);
  }
  return header;
}
