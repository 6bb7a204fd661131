// Which ids may be settled already: a blocked Bloom filter in memory, so that a new payment needs no
// question to the ledger and a repeat, even days later, is caught before its 202.
//
// `mayHave` false is certain; true has to be asked of the ledger. Until the ids of an earlier run are loaded
// (`complete` false) nothing is certain. Each id sets 8 bits of one 64-byte block, one cache line: at 13 bits per id
// (10 million ids in 16 MiB) about one new id in 300 is asked about in vain; a fuller filter only asks more.

import { hashId, type IdWords } from '../payment.ts';

const BLOCK_WORDS = 16;
const BITS_PER_ID = 8;

export class SettledFilter {
  /** Every settled id is in the filter. */
  complete = false;
  readonly #words: Uint32Array;
  readonly #blocks: number;
  readonly #seed: number;

  constructor(mebibytes: number, seed: number) {
    this.#words = new Uint32Array((mebibytes * 1024 * 1024) / 4);
    this.#blocks = this.#words.length / BLOCK_WORDS;
    this.#seed = seed;
  }

  add(ids: IdWords, at = 0): void {
    const block = this.#blockOf(ids, at);
    let bits = hashId(ids, at, this.#seed ^ 0x5bd1e995);
    for (let n = 0; n < BITS_PER_ID; n++) {
      const place = block + ((bits >>> 5) & (BLOCK_WORDS - 1));
      this.#words[place] = (this.#words[place] as number) | (1 << (bits & 31));
      bits = step(bits);
    }
  }

  mayHave(ids: IdWords, at = 0): boolean {
    const block = this.#blockOf(ids, at);
    let bits = hashId(ids, at, this.#seed ^ 0x5bd1e995);
    for (let n = 0; n < BITS_PER_ID; n++) {
      const word = this.#words[block + ((bits >>> 5) & (BLOCK_WORDS - 1))] as number;
      if ((word & (1 << (bits & 31))) === 0) return false;
      bits = step(bits);
    }
    return true;
  }

  clear(): void {
    this.#words.fill(0);
  }

  #blockOf(ids: IdWords, at: number): number {
    return (hashId(ids, at, this.#seed) % this.#blocks) * BLOCK_WORDS;
  }
}

/** The next bits from the last ones; every step mixes all 32. */
function step(bits: number): number {
  const next = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
  return (next ^ (next >>> 13)) >>> 0;
}
