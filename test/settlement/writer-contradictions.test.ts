// The batch writer where the ledger already has some of the ids: those rows are read and compared,
// and each difference is reported.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowOf } from '../ledger/ledger-fixture.ts';
import { setUp } from './writer-bench.ts';

test('an id that the ledger has with other values is reported with both, and no other id is', async () => {
  const { clock, ledger, recorded, contradicted, add } = setUp();
  const others = [
    rowOf(3, 1 + 3, 0, 1),
    rowOf(5, 99, 0, 0),
    rowOf(7, 1 + 7, 1, 0),
    // The same values: it is a repetition.
    rowOf(8, 1 + 8, 0, 0),
  ];
  for (const row of others) ledger.rows.set(row.correlationId, row);
  add(10);
  await clock.advance(0);
  assert.deepEqual(recorded, [0, 1, 2, 4, 6, 8, 9]);
  assert.deepEqual(
    contradicted,
    others.slice(0, 3).map((row, n) => ({ slot: [3, 5, 7][n], row })),
  );
  assert.equal(ledger.finds, 1);
  add(10);
  await clock.advance(0);
  assert.equal(ledger.finds, 1, 'where all are inserted nothing is read');
});

test('an id twice in one batch is one row; the values that were not recorded are reported', async () => {
  const { clock, recorded, contradicted, add, addRow } = setUp();
  add(8);
  addRow(rowOf(3, 1 + 3, 0, 0));
  addRow(rowOf(5, 99, 0, 0));
  await clock.advance(0);
  assert.deepEqual(recorded, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(contradicted, [{ slot: 9, row: rowOf(5, 1 + 5, 0, 0) }]);
});

test('a batch is done only after the rows from before were read and compared', async () => {
  const { clock, ledger, writer, recorded, contradicted, add } = setUp();
  ledger.rows.set(rowOf(0).correlationId, rowOf(0, 99, 0, 0));
  const find = ledger.find;
  let fails = 2;
  ledger.find = (ids) => (fails-- > 0 ? Promise.reject(new Error('not now')) : find(ids));
  add(10);
  await clock.advance(0);
  assert.deepEqual([recorded.length, contradicted.length, writer.pending], [0, 0, 10]);
  await clock.advance(1_000);
  assert.deepEqual([recorded.length, contradicted.length, writer.pending], [9, 1, 0]);
});
