// An operator's repairs of a journal that no process uses: detach it from its ledger, and rebuild a
// damaged header. They never change the payments.

import { crc32 } from 'node:zlib';
import {
  CELL_BYTES,
  HEADER_BYTES,
  JournalError,
  NO_FILTER,
  SLOT_BYTES,
  encodeHeader,
  newHeader,
  readHeader,
  type Place,
} from './journal-header.ts';

interface JournalFile {
  read(buffer: Uint8Array, position: number): number;
  write(buffer: Uint8Array, position: number): void;
}

/**
 * Detaches the journal from its ledger: the next start accepts the ledger that it finds. Returns
 * the id of the old ledger, '' for none.
 * @throws JournalError if the header is damaged
 */
export function adoptAnyLedger(file: JournalFile): string {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const header = readHeader(bytes.subarray(0, file.read(bytes, 0)));
  if (header === undefined) throw new JournalError('JOURNAL_PATH has no whole header: repair it');
  file.write(encodeHeader({ ...header, ...NO_FILTER, ledgerId: '', mark: 0, claimed: 0 }), 0);
  return header.ledgerId;
}

/**
 * Rebuilds the header for the instance at `place` from the cells, and returns the number of whole
 * cells. The cells stay as they are. `bytes` is the file's length.
 * @throws JournalError if the header is whole, the length is not that of a journal, or the cells
 * are not all of one journal
 */
export function repairHeader(file: JournalFile, bytes: number, place: Place): number {
  const old = Buffer.alloc(HEADER_BYTES);
  if (readHeader(old.subarray(0, file.read(old, 0))) !== undefined) {
    throw new JournalError('JOURNAL_PATH has a whole header: nothing to repair');
  }
  const slots = (bytes - HEADER_BYTES) / SLOT_BYTES;
  if (!Number.isInteger(slots) || slots < 1) {
    throw new JournalError('JOURNAL_PATH is not as long as a journal of whole slots');
  }
  const journals = journalsIn(file, slots);
  const [first, ...others] = journals;
  if (first === undefined || others.length > 0) {
    throw new JournalError(`JOURNAL_PATH has whole cells of ${journals.size} journals, not of one`);
  }
  const [journalId, cells] = first;
  file.write(encodeHeader({ ...newHeader(slots, journalId, place), isBound: true }), 0);
  return cells;
}

/**
 * The journals that the whole cells of the file's `slots` slots belong to, each with the number of
 * its cells.
 */
export function journalsIn(
  file: Pick<JournalFile, 'read'>,
  slots: number,
): ReadonlyMap<number, number> {
  const journals = new Map<number, number>();
  const pair = Buffer.alloc(SLOT_BYTES);
  for (let slot = 0; slot < slots; slot++) {
    file.read(pair, HEADER_BYTES + slot * SLOT_BYTES);
    for (const cell of [pair.subarray(0, CELL_BYTES), pair.subarray(CELL_BYTES)]) {
      if (cell.readUInt32LE(0) !== crc32(cell.subarray(4)) || cell.readUInt32LE(8) !== slot)
        continue;
      const journal = cell.readDoubleLE(56);
      journals.set(journal, (journals.get(journal) ?? 0) + 1);
    }
  }
  return journals;
}
