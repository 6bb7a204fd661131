// Mutations of what is known of settled ids over a restart.

import { one, type Mutation } from './mutation.ts';

export const FILTER_MUTATIONS: readonly Mutation[] = [
  one(
    "what is settled is not written into the Bloom filter's file",
    'buffer/filter-keeper.js',
    'this.#writer.writeBlock(segment, block);',
    '',
  ),
  one(
    'what is settled while the file is being written is not written into it',
    'buffer/filter-keeper.js',
    'if (this.#writer === undefined) return; try {',
    'if (!this.isTrusted) return; try {',
  ),
  one(
    "a filter's file of before a power failure is trusted",
    'buffer/filter-keeper.js',
    "file.bootId !== '' && found.bootId === file.bootId",
    'true',
  ),
  // Two guards keep a file from being trusted after a failure; each does so without the other.
  {
    name: 'a write that fails changes nothing',
    patches: [
      {
        file: 'buffer/filter-keeper.js',
        from: 'this.#hasFailed = true; this.distrust();',
        to: '',
      },
      { file: 'buffer/filter-keeper.js', from: 'file.empty();', to: '' },
    ],
  },
  one(
    'a damaged block is believed',
    'buffer/filter-segment.js',
    'if (words[at + BITS_WORDS] !== checksum(words, at, salt + first + block)) return false;',
    '',
  ),
  one(
    'ids go into a segment that the file does not name',
    'buffer/filter-keeper.js',
    'if (this.isTrusted) this.#try(() => this.#writeHeader());',
    '',
  ),
  one(
    'the file is trusted before the ledger was read',
    'intake/settled-ids.js',
    'const missing = await this.#read(isOver);',
    'if (!this.areKept) await this.#keeper?.write(isOver); const missing = await this.#read(isOver);',
  ),
];
