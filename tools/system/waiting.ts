// The payments that wait in the journals of stopped instances. Only reads.

import { readFileSync } from 'node:fs';
import { HEADER_BYTES, Journal, SLOT_BYTES, type JournalFile } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';

/** 0 for a journal that isn't there, or that can't be read. */
export function waitingIn(journalPath: string): number {
  try {
    const bytes = readFileSync(journalPath);
    const file: JournalFile = {
      read: (buffer, position) => bytes.copy(buffer, 0, position, position + buffer.length),
      write: () => {},
      sync: () => Promise.resolve(),
    };
    const ring = new Ring((bytes.length - HEADER_BYTES) / SLOT_BYTES, 0);
    return new Journal(file, ring, 'never').recover().slots.length;
  } catch {
    return 0;
  }
}
