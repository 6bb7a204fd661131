// What a payment is, and the names of the two processors.

/** A processor by its number: 0 is the default one, 1 the fallback. */
export type ProcessorIndex = 0 | 1;

export const DEFAULT = 0;
export const FALLBACK = 1;
export const PROCESSORS = [DEFAULT, FALLBACK] as const;

export const processorName = (processor: ProcessorIndex): 'default' | 'fallback' =>
  processor === DEFAULT ? 'default' : 'fallback';

/** A correlation id as four big-endian 32-bit words: comparing and hashing them needs no string. */
export type IdWords = Uint32Array;

interface Payment {
  readonly correlationId: string;
  /** 1 to the configured maximum. */
  readonly amountCents: number;
}

/** A payment that a processor holds, with the values that it holds. */
export interface Charge extends Payment {
  /** Milliseconds since the epoch. */
  readonly requestedAtMs: number;
}

/** What the ledger keeps of a payment. */
export interface LedgerRow extends Charge {
  readonly processor: ProcessorIndex;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (byte: number): string => HEX_OF_BYTE[byte & 255] as string;
const hexOfWord = (word: number): string =>
  hex(word >>> 24) + hex(word >>> 16) + hex(word >>> 8) + hex(word);

/** The id in lower case, 8-4-4-4-12; `at` is the first of its four words in `words`. */
export function idToText(words: IdWords, at = 0): string {
  const second = hexOfWord(words[at + 1] as number);
  const third = hexOfWord(words[at + 2] as number);
  return (
    `${hexOfWord(words[at] as number)}-${second.slice(0, 4)}-${second.slice(4)}` +
    `-${third.slice(0, 4)}-${third.slice(4)}${hexOfWord(words[at + 3] as number)}`
  );
}

/** The value of a hexadecimal digit's character code, or -1. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * Reads a UUID of the form 8-4-4-4-12 out of `bytes` from `start` into `words`.
 * Any version and either case; false when these 36 bytes are not one.
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

/**
 * The instance that alone may send this payment: the value of the id's last digit, modulo the number
 * of instances (1 to 16). nginx routes by the same rule, so hardly ever is a payment handed over.
 */
export function ownerOf(words: IdWords, instances: number, at = 0): number {
  return ((words[at + 3] as number) & 15) % instances;
}

/**
 * 32 well-mixed bits of an id: ids may be counters instead of random. The seed is mixed in before any word meets another, or ids
 * could be chosen that collide whatever the seed is.
 */
export function hashId(words: IdWords, at: number, seed: number): number {
  let hash = mix(seed ^ (words[at] as number));
  hash = mix(hash ^ (words[at + 1] as number));
  hash = mix(hash ^ (words[at + 2] as number));
  return mix(hash ^ (words[at + 3] as number)) >>> 0;
}

/** The finalizer of MurmurHash3 (public domain): every bit of the result depends on every bit given. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
