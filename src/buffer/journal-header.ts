// The journal's header: it names the ring, the instance and the ledger that the file belongs to.
//
//   word 0 crc · 1–2 'REPASSE' · 3 version · 4 slots · 5 bytes of a cell · 6 instance ·
//        7 instances · 8–9 journal f64 · 10–11 mark f64 · 12–13 claimed f64 · 14–17 ledger ·
//        18 bound · 20–21 filter's file f64 · 22–23 its bits f64
//
// The header has two equal copies, so that one stays whole after a damaged sector, or after a write
// that a power failure tore.

import { crc32 } from 'node:zlib';

/** An instance's number, from 0, and the number of instances. */
export interface Place {
  readonly instance: number;
  readonly instances: number;
}

/** The journal's file. Every method but `sync` is synchronous and throws the system's error. */
export interface JournalFile {
  /** Returns the number of bytes read: fewer than `buffer` has at the file's end. */
  read(buffer: Uint8Array, position: number): number;
  write(buffer: Uint8Array, position: number): void;
  /** Resolves when all that was written before the call is on the disk. */
  sync(): Promise<void>;
}

/** What the journal's header says of the Bloom filter's file (filter-keeper.ts). */
export interface FilterMark {
  /** The id of the file that has every id which the journal let go; 0 if none has. */
  readonly filterId: number;
  /** So many bits are set in it at least. */
  readonly filterBits: number;
}

export const NO_FILTER: FilterMark = { filterId: 0, filterBits: 0 };

/** The journal's header. `instances` is 0 in a journal of version 1, which doesn't name it. */
export interface Header extends Place, FilterMark {
  readonly slots: number;
  /** A random number, different for each journal. */
  readonly journalId: number;
  /** Whether payments may have been sent from this journal as `instance` of `instances`. */
  readonly isBound: boolean;
  /** The id of the journal's ledger; '' until the ledger was reached for the first time. */
  readonly ledgerId: string;
  /** The latest mark of this journal that the ledger certainly has; 0 before the first. */
  readonly mark: number;
  /** The latest mark of this journal that the ledger may have. */
  readonly claimed: number;
}

export const HEADER_BYTES = 4096;
export const CELL_BYTES = 64;
export const SLOT_BYTES = 2 * CELL_BYTES;
const COPY_BYTES = HEADER_BYTES / 2;
const VERSION = 2;
/** Version 1 had one copy of the header, without instances and ledger. */
const VERSION_ONE_COPY = 1;

/** The journal, or its file, can't be used. The message tells the operator what to do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/** The header of a new journal. */
export function newHeader(slots: number, journalId: number, place: Place): Header {
  const marks = { mark: 0, claimed: 0, ...NO_FILTER };
  return { ...place, ...marks, slots, journalId, isBound: false, ledgerId: '' };
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
  floats.set([header.filterId, header.filterBits], 10);
  words[0] = crc32(bytes.subarray(4, COPY_BYTES));
  bytes.copy(bytes, COPY_BYTES, 0, COPY_BYTES);
  return bytes;
}

/** @throws JournalError if `bytes` is no valid header, or not for a ring of `slots` slots */
export function decodeHeader(bytes: Buffer, slots: number): Header {
  const header = readHeader(bytes);
  if (header === undefined) {
    throw new JournalError(
      'JOURNAL_PATH is not a journal, or its header is damaged: ' +
        '"npm run operate -- repair" makes the header anew from the payments behind it',
    );
  }
  if (header.slots !== slots) {
    throw new JournalError(
      `JOURNAL_PATH was made for RING_SLOTS=${header.slots}, RING_SLOTS is ${slots}: ` +
        `start it with RING_SLOTS=${header.slots}, wait until its status has "held":0, stop it with ` +
        'SIGTERM, and move the journal away (npm start: both journals)',
    );
  }
  return header;
}

/** Returns undefined if no copy is whole. @throws JournalError for another version */
export function readHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  for (const copy of [bytes.subarray(0, COPY_BYTES), bytes.subarray(COPY_BYTES), bytes]) {
    const words = new Uint32Array(new Uint8Array(copy).buffer);
    const isWhole = words[0] === crc32(copy.subarray(4));
    if (!isWhole || copy.toString('latin1', 4, 11) !== 'REPASSE') continue;
    const version = words[3] as number;
    const isOneCopy = copy === bytes;
    if (version !== (isOneCopy ? VERSION_ONE_COPY : VERSION) || words[5] !== CELL_BYTES) {
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
      filterId: floats[10] as number,
      filterBits: floats[11] as number,
    };
  }
  return undefined;
}

export function uuidOf(hex: string): string {
  if (/^0*$/.test(hex)) return '';
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * The header to write when the instance at `place` opens a journal that holds `held` payments. A
 * journal without payments keeps its old number of instances until the ledger agrees to the new
 * one.
 * @throws JournalError if the journal's payments belong to another place
 */
export function headerAt(header: Header, place: Place, held: number): Header {
  // A journal of version 1 was only used by the instance that the settings name.
  if (header.instances === 0) return { ...header, ...place, isBound: true };
  if (header.instance === place.instance && header.instances === place.instances) return header;
  if (!header.isBound) return { ...header, ...place };
  const old = `instance ${header.instance} of ${header.instances} (counted from 0)`;
  const was = `JOURNAL_PATH is the journal of ${old}`;
  const now = `by PEER_SOCKET_PATHS or SHARDS this is instance ${place.instance} of ${place.instances}`;
  if (header.instances === place.instances) {
    throw new JournalError(
      `${was}, ${now}: ` +
        'PEER_SOCKET_PATHS must name the same sockets in the same order for every instance',
    );
  }
  if (held === 0) return header;
  throw new JournalError(
    `${was} and holds ${held} payments, ${now}: ` +
      'start it with the old PEER_SOCKET_PATHS or SHARDS, and change the number of instances with ' +
      `"npm run operate -- count ${place.instances}", which waits until nothing is held`,
  );
}
