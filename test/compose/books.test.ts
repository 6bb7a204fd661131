// What the test of the composition believes: the ledger's rows against the processors' lists, and
// Docker's figures.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOfRow, ledgerFaults, type Entry } from '../../tools/compose/ledger.ts';
import { usageBetween, usageOf } from '../../tools/compose/usage.ts';

const ID = '4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3';
const entry: Entry = { id: ID, processor: 1, cents: 1_990, requestedAtMs: 1_751_328_000_123 };

test('a row of the ledger is read column by column', () => {
  assert.deepEqual(entryOfRow(`${ID} 1 1990 1751328000123`), entry);
});

test('books that agree have no faults, whatever the case of an id', () => {
  assert.deepEqual(ledgerFaults([entry], [{ ...entry, id: ID.toUpperCase() }]), []);
});

test('a payment on one side alone, or with another value, is a fault', () => {
  const other: Entry[] = [
    { ...entry, processor: 0 },
    { ...entry, cents: 1_991 },
    { ...entry, requestedAtMs: entry.requestedAtMs + 1 },
  ];
  for (const wrong of other) assert.equal(ledgerFaults([entry], [wrong]).length, 1);
  assert.deepEqual(ledgerFaults([entry], []), [
    `${ID}: the ledger says fallback, 1990 cents, 2025-07-01T00:00:00.123Z, the processor nothing`,
  ]);
  assert.deepEqual(ledgerFaults([], [entry]).length, 1);
});

const cpu = {
  cpu_usage: { total_usage: 2_500_000_000 },
  throttling_data: { periods: 200, throttled_periods: 3, throttled_time: 40_000_000 },
};

test('memory is counted without the cache, under both versions of control groups', () => {
  const expected = {
    memoryBytes: 60,
    memoryLimitBytes: 100,
    cpuMs: 2_500,
    periods: 200,
    throttledPeriods: 3,
    throttledMs: 40,
  };
  const first = { usage: 80, limit: 100, stats: { total_inactive_file: 20, inactive_file: 5 } };
  assert.deepEqual(usageOf({ memory_stats: first, cpu_stats: cpu }), expected);
  const second = { usage: 80, limit: 100, stats: { inactive_file: 20 } };
  assert.deepEqual(usageOf({ memory_stats: second, cpu_stats: cpu }), expected);
});

test('between two moments counters are subtracted and the most memory is kept', () => {
  const before = usageOf({ memory_stats: { usage: 70, limit: 100 }, cpu_stats: cpu });
  const after = { ...before, memoryBytes: 50, cpuMs: 2_600, periods: 210, throttledMs: 45 };
  assert.deepEqual(usageBetween(before, after), {
    memoryBytes: 70,
    memoryLimitBytes: 100,
    cpuMs: 100,
    periods: 10,
    throttledPeriods: 0,
    throttledMs: 5,
  });
});
