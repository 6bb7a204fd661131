// A flush of the batch writer, which a summary waits for: it resolves as soon as what was charged
// is recorded, and waits no longer than it may.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUp } from './writer-bench.ts';

const FLUSH_MS = 10_000;

test('a flush resolves when the rows before it are recorded, and does not wait for their age', async () => {
  const { clock, ledger, writer, recorded, add } = setUp();
  await writer.flush(FLUSH_MS);
  assert.equal(ledger.connections, 0);
  ledger.isHolding = true;
  add(3, 0);
  add(2, 1);
  const outcomes: string[] = [];
  const watch = (name: string): void => {
    writer.flush(FLUSH_MS).then(
      (isRecorded) => outcomes.push(`${name} after ${recorded.length}, ${isRecorded}`),
      () => outcomes.push('failed'),
    );
  };
  watch('first');
  await clock.advance(0);
  add(4, 0);
  watch('second');
  watch('third');
  ledger.answer();
  await clock.advance(0);
  assert.deepEqual(outcomes, []);
  ledger.answer();
  await clock.advance(0);
  assert.deepEqual(outcomes, ['first after 5, true']);
  ledger.answer();
  await clock.advance(0);
  assert.deepEqual(outcomes, [
    'first after 5, true',
    'second after 9, true',
    'third after 9, true',
  ]);
});

test('while the database is away a flush is given up in time, and nothing of it is kept', async () => {
  const { clock, ledger, writer, recorded, add } = setUp();
  ledger.isAway = true;
  add(5);
  const outcomes: boolean[] = [];
  const flush = (): void => void writer.flush(200).then((isRecorded) => outcomes.push(isRecorded));
  flush();
  await clock.advance(100);
  const timers = clock.timers;
  flush();
  flush();
  assert.equal(clock.timers, timers + 2);
  await clock.advance(100);
  assert.deepEqual(outcomes, [false]);
  await clock.advance(100);
  assert.deepEqual(outcomes, [false, false, false]);
  assert.equal(clock.timers, timers - 1);
  void writer.flush(FLUSH_MS).then((isRecorded) => outcomes.push(isRecorded));
  ledger.isAway = false;
  await clock.advance(2_000);
  assert.deepEqual(outcomes.slice(3), [true]);
  assert.equal(recorded.length, 5);
  assert.equal(clock.timers, 0);
});
