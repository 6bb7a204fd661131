// Ways in which recording could be wrong: the writer, a summary's flush, and what contradicts the
// ledger.

import { one, type Mutation } from './mutation.ts';

export const LEDGER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a slot is freed when its payment is charged',
    patches: [
      {
        file: 'ledger/writer.js',
        from: 'this.#waiting[processor].push(token);',
        to: `const row = this.#parts.rowOf(token);
        if (row.processor === processor) {
            (this.rows ??= new Map()).set(token, row);
            this.#parts.onRecorded(token);
        }
        this.#waiting[processor].push(token);`,
      },
      {
        file: 'ledger/writer.js',
        from: 'const rows = tokens.map(this.#parts.rowOf);',
        to: 'const rows = tokens.map((token) => this.rows.get(token));',
      },
      {
        file: 'ledger/writer.js',
        from: 'for (const token of tokens)\n                this.#settle(token, known);',
        to: ';',
      },
    ],
  },
  one(
    'the journal forgets before the row is committed',
    'pipeline.js',
    'rowOf: (slot) => ({',
    'rowOf: (slot) => (this.journal.free(slot), {',
  ),
  one(
    'a broken statement counts as committed',
    'ledger/writer.js',
    'if (this.#connection && isAboutContent(error))',
    "if (error.kind === 'broken') return NO_ROWS;\nif (this.#connection && isAboutContent(error))",
  ),
  one(
    'a refused row counts as recorded',
    'ledger/writer.js',
    'this.#putAside(tokens[0], known);',
    'this.#parts.onRecorded(tokens[0]);',
  ),
  one(
    'a flush is never reached',
    'ledger/flush.js',
    'return first.dropped >=',
    'return false && first.dropped >=',
  ),
  one(
    'a flush waits for nothing',
    'ledger/flush.js',
    'return first.dropped >=',
    'return true || first.dropped >=',
  ),
  one(
    'a flush does not wait for what a restart found',
    'engine.js',
    'if (!(await recovering.isOver(withinMs)))',
    'if (false)',
  ),
  one(
    'a refused row is not missing in a summary',
    'engine.js',
    'if (writer.poisoned > 0)',
    'if (false)',
  ),
  // Contradictions
  one(
    'a conflict counts as recorded',
    'ledger/writer.js',
    'inserted === rows.length ? NO_ROWS',
    'true ? NO_ROWS',
  ),
  one(
    'a payment that is pinned elsewhere than it is recorded is let go',
    'contradictions.js',
    'if (pin === -1 || pin === row.processor)',
    'if (true)',
  ),
  one(
    'a slot is freed before its anomalies are kept',
    'contradictions.js',
    'if (this.anomalies.pending === 0)',
    'if (true)',
  ),
];
