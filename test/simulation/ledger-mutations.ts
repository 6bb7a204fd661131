// Ways in which settling could be wrong: the batch writer, a summary's flush, and contradictions
// with the ledger.

import { one, type Mutation } from './mutation.ts';

export const LEDGER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a slot is released when its payment is charged',
    patches: [
      {
        file: 'settlement/batch-writer.js',
        from: 'this.#waiting[processor].push(slot);',
        to: `(this.rows ??= new Map()).set(slot, this.#rowOf(slot));
        this.#parts.held.release(slot, ring.amountCents[slot]);
        this.#waiting[processor].push(slot);`,
      },
      {
        file: 'settlement/batch-writer.js',
        from: 'const rows = slots.map((slot) => this.#rowOf(slot));',
        to: 'const rows = slots.map((slot) => this.rows.get(slot));',
      },
      {
        file: 'settlement/batch-writer.js',
        from: 'for (const slot of slots) this.#settle(slot, known);',
        to: ';',
      },
    ],
  },
  one(
    'the journal releases before the row is committed',
    'settlement/batch-writer.js',
    'return { ...ring.chargeOf(slot),',
    'this.#parts.journal.release(slot); return { ...ring.chargeOf(slot),',
  ),
  one(
    'a broken statement counts as committed',
    'settlement/batch-writer.js',
    'if (this.#connection && isAboutContent(error))',
    "if (error.kind === 'broken') return NO_ROWS; if (this.#connection && isAboutContent(error))",
  ),
  one(
    'a refused row counts as recorded',
    'settlement/batch-writer.js',
    'this.#refusedRows.add(slot, this.#rowOf(slot), known, () => this.add(slot));',
    'this.#parts.held.release(slot, this.#rowOf(slot).amountCents);',
  ),
  one(
    'a flush is never reached',
    'settlement/flush.js',
    'return first.dropped >=',
    'return false && first.dropped >=',
  ),
  one(
    'a flush waits for nothing',
    'settlement/flush.js',
    'return first.dropped >=',
    'return true || first.dropped >=',
  ),
  one(
    'a flush does not wait for what a restart found',
    'settlement/unrecorded.js',
    'if (!(await recovering.isOver(withinMs)))',
    'if (false)',
  ),
  one(
    'a refused row is not missing in a summary',
    'settlement/unrecorded.js',
    'if (writer.refused > 0)',
    'if (false)',
  ),
  // Contradictions
  one(
    'a conflict counts as recorded',
    'settlement/batch-writer.js',
    'inserted === rows.length ? NO_ROWS',
    'true ? NO_ROWS',
  ),
  one(
    'a payment that is pinned elsewhere than it is recorded is released',
    'settlement/contradictions.js',
    'if (suspect === UNPINNED || suspect === row.processor)',
    'if (true)',
  ),
  one(
    'a start believes the ledger about a payment whose pin is in doubt',
    'settlement/contradictions.js',
    'pin === UNPINNED && ring.doubt[slot] === PIN_IN_DOUBT',
    'false',
  ),
  one(
    'a slot is released before its anomalies are kept',
    'buffer/held-payments.js',
    'if (anomalies.pending > 0)',
    'if (false)',
  ),
];
