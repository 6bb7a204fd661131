// The types of a payment, its correlation id in four words, and the two processors.

/** A processor's number: 0 is the default processor, 1 the fallback. */
export type ProcessorIndex = 0 | 1;

export const DEFAULT = 0;
export const FALLBACK = 1;
export const PROCESSORS = [DEFAULT, FALLBACK] as const;

export const processorName = (processor: ProcessorIndex): 'default' | 'fallback' =>
  processor === DEFAULT ? 'default' : 'fallback';

export const otherThan = (processor: ProcessorIndex): ProcessorIndex =>
  processor === DEFAULT ? FALLBACK : DEFAULT;

/** A correlation id as four big-endian 32-bit words. So comparing and hashing need no string. */
export type IdWords = Uint32Array;

interface Payment {
  readonly correlationId: string;
  /** 1 to AMOUNT_MAX_CENTS. */
  readonly amountCents: number;
}

/** A payment with the values that its processor gets, or holds. */
export interface Charge extends Payment {
  /** Milliseconds since the epoch. */
  readonly requestedAtMs: number;
}

/** The ledger's row of a payment. */
export interface LedgerRow extends Charge {
  readonly processor: ProcessorIndex;
}

/** A payment that an operator gave up: it is never charged from then on. */
export interface GivenUp extends Payment {
  /** Milliseconds since the epoch. */
  readonly givenUpAtMs: number;
  /** A processor may have charged it all the same. */
  readonly mayBeCharged: boolean;
}

/** What the ledger has of a payment. */
export type LedgerEntry = LedgerRow | GivenUp;

export const isGivenUp = (entry: LedgerEntry): entry is GivenUp => 'givenUpAtMs' in entry;

export const rowsIn = (entries: readonly LedgerEntry[]): LedgerRow[] =>
  entries.filter((entry): entry is LedgerRow => !isGivenUp(entry));

/** One entry for each id: a charge counts, even if an operator gave the payment up. */
export function entriesById(entries: readonly LedgerEntry[]): Map<string, LedgerEntry> {
  const byId = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    if (!isGivenUp(entry) || !byId.has(entry.correlationId)) byId.set(entry.correlationId, entry);
  }
  return byId;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (byte: number): string => HEX_OF_BYTE[byte & 255] as string;
const hexOfWord = (word: number): string =>
  hex(word >>> 24) + hex(word >>> 16) + hex(word >>> 8) + hex(word);

/** The id as text: lower case, 8-4-4-4-12. `at` is the index of its first word in `words`. */
export function idToText(words: IdWords, at = 0): string {
  const second = hexOfWord(words[at + 1] as number);
  const third = hexOfWord(words[at + 2] as number);
  return (
    `${hexOfWord(words[at] as number)}-${second.slice(0, 4)}-${second.slice(4)}` +
    `-${third.slice(0, 4)}-${third.slice(4)}${hexOfWord(words[at + 3] as number)}`
  );
}

/** The value (0 to 15) of a hexadecimal digit's character code; -1 for another character. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * Reads a UUID of the form 8-4-4-4-12 from `bytes`, at `start`, into `words`. Any version and
 * either case is accepted. Returns false if the 36 bytes are not a UUID.
 */
export function readId(bytes: Uint8Array, start: number, words: IdWords): boolean {
  if (start + 36 > bytes.length) return false;
  let digits = 0;
  let word = 0;
  for (let i = 0; i < 36; i++) {
    const code = bytes[start + i] as number;
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== 45) return false;
      continue;
    }
    const digit = hexDigit(code);
    if (digit < 0) return false;
    word = (word << 4) | digit;
    digits++;
    if ((digits & 7) === 0) {
      words[(digits >> 3) - 1] = word;
      word = 0;
    }
  }
  return true;
}

/** An id as words, from its 36 characters; undefined if the text is none. */
export function idFromText(text: string): IdWords | undefined {
  const words = new Uint32Array(4);
  const isOne = text.length === 36 && readId(Buffer.from(text, 'latin1'), 0, words);
  return isOne ? words : undefined;
}

export const isId = (text: string): boolean => idFromText(text) !== undefined;

/** The lowest id. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * The number of the instance that owns the id and alone may send its payment: the id's last digit
 * modulo `instances` (1 to 16). nginx routes by the same rule, so hand-overs are rare.
 */
export function ownerOf(words: IdWords, instances: number, at = 0): number {
  return ((words[at + 3] as number) & 15) % instances;
}

/**
 * Hashes an id to 32 bits. All bits are mixed, since ids may be counters instead of random. The
 * seed is mixed in before words are combined; otherwise a client could choose ids that collide
 * under every seed.
 */
export function hashId(words: IdWords, at: number, seed: number): number {
  let hash = mix(seed ^ (words[at] as number));
  hash = mix(hash ^ (words[at + 1] as number));
  hash = mix(hash ^ (words[at + 2] as number));
  return mix(hash ^ (words[at + 3] as number)) >>> 0;
}

/** The finalizer of MurmurHash3 (public domain): each output bit depends on every input bit. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
