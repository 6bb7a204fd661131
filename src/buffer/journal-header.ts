// The journal's header: which ring the file belongs to, which instance, and which ledger.
//
//   word 0 crc · 1–2 'REPASSE' · 3 version · 4 slots · 5 bytes of a cell · 6 instance ·
//        7 instances · 8–9 journal f64 · 10–11 mark f64 · 12–13 claimed f64 · 14–17 ledger ·
//        18 bound
//
// Two equal copies, so that one damaged sector, or a write that a power failure tore, leaves one of
// them.

import { crc32 } from 'node:zlib';
import type { Header, Place } from '../place-parts.ts';

export const HEADER_BYTES = 4096;
export const CELL_BYTES = 64;
export const SLOT_BYTES = 2 * CELL_BYTES;
const COPY_BYTES = HEADER_BYTES / 2;
const VERSION = 2;
/** It had one copy, and no word of instances or the ledger. */
const VERSION_ALONE = 1;

/**
 * A file that is no journal of this ring, or a journal that can't be used; the message says what to
 * do.
 */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

export type { Header, Place };

/** The header of a journal that was never used. */
export function newHeader(slots: number, journalId: number, place: Place): Header {
  return { ...place, slots, journalId, isBound: false, ledgerId: '', mark: 0, claimed: 0 };
}

export function encodeHeader(header: Header): Uint8Array {
  const buffer = new ArrayBuffer(HEADER_BYTES);
  const bytes = Buffer.from(buffer);
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);
  bytes.write('REPASSE', 4, 'latin1');
  words.set([VERSION, header.slots, CELL_BYTES, header.instance, header.instances], 3);
  floats.set([header.journalId, header.mark, header.claimed], 4);
  bytes.write(header.ledgerId.replaceAll('-', ''), 56, 'hex');
  words[18] = header.isBound ? 1 : 0;
  words[0] = crc32(bytes.subarray(4, COPY_BYTES));
  bytes.copy(bytes, COPY_BYTES, 0, COPY_BYTES);
  return bytes;
}

/** @throws JournalError when this is no header, or one of another ring's journal. */
export function decodeHeader(bytes: Buffer, slots: number): Header {
  const header = readHeader(bytes);
  if (header === undefined) {
    throw new JournalError(
      'JOURNAL_PATH is not a journal, or its header is damaged: "npm run operate -- repair" makes the header anew from the payments behind it',
    );
  }
  if (header.slots !== slots) {
    throw new JournalError(
      `JOURNAL_PATH was made for RING_SLOTS=${header.slots}, RING_SLOTS is ${slots}: start once with the old number, let it drain, and remove the file`,
    );
  }
  return header;
}

/** undefined when no copy is whole. @throws JournalError for another version */
export function readHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  for (const copy of [bytes.subarray(0, COPY_BYTES), bytes.subarray(COPY_BYTES), bytes]) {
    const words = new Uint32Array(new Uint8Array(copy).buffer);
    const isWhole = words[0] === crc32(copy.subarray(4));
    if (!isWhole || copy.toString('latin1', 4, 11) !== 'REPASSE') continue;
    const version = words[3] as number;
    const isAlone = copy === bytes;
    if (version !== (isAlone ? VERSION_ALONE : VERSION) || words[5] !== CELL_BYTES) {
      throw new JournalError(`JOURNAL_PATH has version ${version}, this program reads ${VERSION}`);
    }
    const floats = new Float64Array(words.buffer);
    return {
      slots: words[4] as number,
      instance: words[6] as number,
      instances: words[7] as number,
      journalId: floats[4] as number,
      mark: floats[5] as number,
      claimed: floats[6] as number,
      ledgerId: uuidOf(copy.toString('hex', 56, 72)),
      isBound: words[18] === 1,
    };
  }
  return undefined;
}

function uuidOf(hex: string): string {
  if (/^0*$/.test(hex)) return '';
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * The header of a journal that is opened by the instance at `place` and holds `held` payments. One
 * that held none keeps its old count: the ledger has to agree to the new one first.
 * @throws JournalError when its payments belong to another place
 */
export function headerAt(header: Header, place: Place, held: number): Header {
  // Version 1 was only ever used by whom the settings name.
  if (header.instances === 0) return { ...header, ...place, isBound: true };
  if (header.instance === place.instance && header.instances === place.instances) return header;
  if (!header.isBound) return { ...header, ...place };
  const was = `JOURNAL_PATH is the journal of instance ${header.instance} of ${header.instances} (counted from 0)`;
  const now = `PEER_SOCKET_PATHS makes this instance ${place.instance} of ${place.instances}`;
  if (header.instances === place.instances) {
    throw new JournalError(
      `${was}, ${now}: PEER_SOCKET_PATHS must name the same sockets in the same order for every instance`,
    );
  }
  if (held === 0) return header;
  throw new JournalError(
    `${was} and holds ${held} payments, ${now}: start it with the old PEER_SOCKET_PATHS, and change the number of instances with "npm run operate -- count ${place.instances}", which waits until nothing is held`,
  );
}
