// What an operator may do to a journal that nobody uses: let it belong to no ledger, and make a
// damaged header anew.

import { crc32 } from 'node:zlib';
import {
  CELL_BYTES,
  HEADER_BYTES,
  JournalError,
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
 * The next start takes whatever ledger it finds. The ledger that it belonged to, '' for none.
 * @throws JournalError
 */
export function adoptAnyLedger(file: JournalFile): string {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const header = readHeader(bytes.subarray(0, file.read(bytes, 0)));
  if (header === undefined) throw new JournalError('JOURNAL_PATH has no whole header: repair it');
  file.write(encodeHeader({ ...header, ledgerId: '', mark: 0, claimed: 0 }), 0);
  return header.ledgerId;
}

/**
 * Makes the header anew for the instance at `place`, by what the cells say; they stay as they are.
 * How many of them are whole.
 * @throws JournalError when the header is whole, or the cells are not all of one journal
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
  const [first, ...others] = journals;
  if (first === undefined || others.length > 0) {
    throw new JournalError(`JOURNAL_PATH has whole cells of ${journals.size} journals, not of one`);
  }
  const [journalId, cells] = first;
  file.write(encodeHeader({ ...newHeader(slots, journalId, place), isBound: true }), 0);
  return cells;
}
