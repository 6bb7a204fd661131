import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readRange } from '../../src/summary/range.ts';

const from = (text: string): unknown => {
  const range = readRange(`from=${text}`);
  return 'field' in range ? range.reason : range.fromMs;
};

const two = (value: number): string => String(value).padStart(2, '0');

test('every time that Date writes is read to the millisecond, in any offset', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(9999, 11, 30) }),
      fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
      (ms, offset) => {
        const iso = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
        const hours = two(Math.floor(Math.abs(offset) / 60));
        const zone = `${offset < 0 ? '-' : '+'}${hours}:${two(Math.abs(offset) % 60)}`;
        assert.equal(from(iso + zone), ms);
        assert.equal(from(encodeURIComponent(iso + zone)), ms);
        assert.equal(from(new Date(ms).toISOString()), ms);
      },
    ),
  );
});

test('shorter forms are read, and without an offset it is UTC', () => {
  assert.equal(from('2025-07-15T12:34:56'), Date.UTC(2025, 6, 15, 12, 34, 56));
  assert.equal(from('2025-07-15T12:34Z'), Date.UTC(2025, 6, 15, 12, 34));
  assert.equal(from('2025-07-15T12:34:56.7-03'), Date.UTC(2025, 6, 15, 15, 34, 56, 700));
  assert.equal(from('2025-07-15T12:34:56,789+0330'), Date.UTC(2025, 6, 15, 9, 4, 56, 789));
  assert.equal(from('2025-07-15'), Date.UTC(2025, 6, 15));
  assert.equal(from('2024-02-29'), Date.UTC(2024, 1, 29));
});

test('a finer time includes the same whole milliseconds', () => {
  assert.deepEqual(readRange('from=2025-01-01T00:00:00.0001Z&to=2025-01-01T00:00:00.0019Z'), {
    fromMs: Date.UTC(2025, 0, 1) + 1,
    toMs: Date.UTC(2025, 0, 1) + 1,
  });
});

for (const text of [
  'nonsense',
  '2025',
  '2025-13-01',
  '2025-02-29',
  '2025-04-31T00:00:00Z',
  '2025-01-01T24:00:00Z',
  '2025-01-01T00:60:00Z',
  '2025-01-01T00:00:60Z',
  '2025-01-01T00:00:00+24:00',
  '1752582896000',
  '2025-01-01T00:00:00Zx',
  '%E0%A4%A',
  '2025-01-01T00:00:00.Z',
  '+12025-01-01T00:00:00Z',
]) {
  test(`${text} is no time`, () => {
    assert.equal(from(text), 'must be an ISO 8601 time such as 2025-07-15T12:34:56.789Z');
  });
}

test('both, one or none may be given, in any order, among others, once each', () => {
  const all = readRange('');
  assert.ok('fromMs' in all && all.fromMs < Date.UTC(1, 0) && all.toMs > Date.UTC(9999, 11, 31));
  assert.deepEqual(readRange('from=&to='), all);
  assert.deepEqual(readRange('x=1&to=1970-01-01&fromage=2'), { ...all, toMs: 0 });
  assert.deepEqual(readRange('to=1970-01-01&from=1970-01-01'), { fromMs: 0, toMs: 0 });
  for (const query of ['to=1970-01-01&to=1970-01-01', 'to=&to=1970-01-01', 'to=&from=&to']) {
    assert.deepEqual(readRange(query), { field: 'to', reason: 'is given twice' });
  }
});
