// Any range is split so that each of its milliseconds is in one part, and into few parts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitRange, type SplitRange } from '../../src/ledger/sum-periods.ts';
import { AGAIN, Random } from '../buffer/seed.ts';

const NOON = Date.UTC(2025, 6, 15, 12);
const DAY_MS = 86_400_000;

/** All parts in order, both ends included. */
const partsOf = ({ periods, edges }: SplitRange): (readonly [number, number])[] =>
  [
    ...periods.map(({ fromS, toS }) => [fromS * 1_000, toS * 1_000 - 1] as const),
    ...edges.map(({ fromMs, toMs }) => [fromMs, toMs] as const),
  ].toSorted(([one], [other]) => one - other);

function checkSplit(fromMs: number, toMs: number): void {
  const split = splitRange({ fromMs, toMs });
  const parts = partsOf(split);
  const name = `${fromMs} to ${toMs} ${AGAIN}`;
  let next = fromMs;
  for (const [from, to] of parts) {
    assert.equal(from, next, name);
    assert.ok(to >= from, name);
    next = to + 1;
  }
  assert.equal(next, Math.max(fromMs, toMs + 1), name);
  for (const { period, fromS, toS } of split.periods) {
    assert.ok(fromS % period === 0 && toS % period === 0, name);
    // Twice what one end needs: no longer period may lie between both ends.
    const most = { 1: 118, 60: 118, 3_600: 46, 86_400: Infinity }[period];
    assert.ok((toS - fromS) / period <= most, `${period} ${name}`);
  }
  assert.ok(split.periods.length <= 7, name);
  for (const { fromMs: first, toMs: last } of split.edges)
    assert.equal(Math.floor(first / 1_000), Math.floor(last / 1_000), `one second ${name}`);
  const covered = split.periods.reduce((sum, part) => sum + part.toS - part.fromS, 0);
  assert.equal(covered, split.toS - split.fromS, name);
}

test('each millisecond of a range is in one part', () => {
  const random = new Random();
  for (let n = 0; n < 200_000; n++) {
    const unit = [1, 1_000, 60_000, 3_600_000, DAY_MS][n % 5] as number;
    const around = (): number => random.below(5) - 2;
    const fromMs = Math.floor(NOON / unit) * unit + unit * random.below(3) + around();
    const length = [1, 2_000, 120_000, 7_200_000, 90 * DAY_MS][random.below(5)] as number;
    checkSplit(fromMs, fromMs + random.below(length) + around());
  }
});

test('a range that ends before it begins, or that has no end, is split too', () => {
  for (const [fromMs, toMs] of [
    [NOON, NOON - 1],
    [NOON, NOON - DAY_MS],
    [0, 8.64e15],
    [-8.64e15, 8.64e15],
    [-1, 0],
    [-1_500, -500],
  ] as const) {
    checkSplit(fromMs, Math.max(toMs, fromMs - 1));
  }
  assert.deepEqual(partsOf(splitRange({ fromMs: NOON, toMs: NOON - DAY_MS })), []);
});
