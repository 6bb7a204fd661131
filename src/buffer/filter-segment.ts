// One segment of the Bloom filter: blocks of 64 bytes, each one cache line. An id sets 8 of the 480
// bits of one block. The last word of a block is not used in memory: in the filter's file it is the
// block's checksum.

const BLOCK_WORDS = 16;
export const BLOCK_BYTES = 4 * BLOCK_WORDS;
const BITS_WORDS = BLOCK_WORDS - 1;
const BLOCK_BITS = 32 * BITS_WORDS;
const BITS_PER_ID = 8;
/**
 * The part of the bits that is set at 13 bits an id. Then about one new id in 300 is queried in
 * vain.
 */
const FULL = 0.459;

export class FilterSegment {
  readonly blocks: number;
  bitsSet = 0;
  readonly #words: Uint32Array;

  constructor(blocks: number) {
    this.blocks = blocks;
    this.#words = new Uint32Array(blocks * BLOCK_WORDS);
  }

  get bits(): number {
    return this.blocks * BLOCK_BITS;
  }

  get isFull(): boolean {
    return this.bitsSet >= FULL * this.bits;
  }

  /** About how many ids it has, by its bits. */
  get ids(): number {
    const { bits, bitsSet } = this;
    const fill = Math.min(bitsSet, bits - 1) / bits;
    return Math.round((-bits / BITS_PER_ID) * Math.log(1 - fill));
  }

  /** Adds the id with these hashes, and returns the number of its block. */
  add(place: number, hash: number): number {
    const block = place % this.blocks;
    let bits = hash;
    for (let n = 0; n < BITS_PER_ID; n++) {
      const at = wordOf(block, bits);
      const word = this.#words[at] as number;
      const bit = 1 << (bits & 31);
      if ((word & bit) === 0) {
        this.#words[at] = word | bit;
        this.bitsSet++;
      }
      bits = step(bits);
    }
    return block;
  }

  mayHave(place: number, hash: number): boolean {
    const block = place % this.blocks;
    let bits = hash;
    for (let n = 0; n < BITS_PER_ID; n++) {
      const word = this.#words[wordOf(block, bits)] as number;
      if ((word & (1 << (bits & 31))) === 0) return false;
      bits = step(bits);
    }
    return true;
  }

  /**
   * Copies the blocks from `first` on into `bytes`, each with its checksum. `salt` is a number of
   * the file: a block of another file, or of another place, has another checksum.
   */
  copyTo(bytes: Uint8Array, first: number, salt: number): void {
    const from = first * BLOCK_WORDS;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    words.set(this.#words.subarray(from, from + words.length));
    for (let block = 0; block < words.length / BLOCK_WORDS; block++) {
      const at = block * BLOCK_WORDS;
      words[at + BITS_WORDS] = checksum(words, at, salt + first + block);
    }
  }

  /** Takes blocks as `copyTo` wrote them; false if one of them is damaged. */
  copyFrom(bytes: Uint8Array, first: number, salt: number): boolean {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    for (let block = 0; block < words.length / BLOCK_WORDS; block++) {
      const at = block * BLOCK_WORDS;
      if (words[at + BITS_WORDS] !== checksum(words, at, salt + first + block)) return false;
      words[at + BITS_WORDS] = 0;
      for (let word = at; word < at + BITS_WORDS; word++) {
        this.bitsSet += bitsIn(words[word] as number);
      }
    }
    this.#words.set(words, first * BLOCK_WORDS);
    return true;
  }
}

function wordOf(block: number, bits: number): number {
  return block * BLOCK_WORDS + ((bits >>> 5) % BITS_WORDS);
}

/** The next 32 bits of an id's hash; each step mixes all 32. */
function step(bits: number): number {
  const next = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
  return (next ^ (next >>> 13)) >>> 0;
}

/** Each step can be undone, so a change of one word always shows. */
function checksum(words: Uint32Array, at: number, salt: number): number {
  let sum = salt | 0;
  for (let word = at; word < at + BITS_WORDS; word++) {
    sum = Math.imul(sum ^ (words[word] as number), 0x85ebca6b);
    sum ^= sum >>> 15;
  }
  // Zeros, as a hole in a file has them, are no block.
  return sum >>> 0 || 1;
}

function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
