// The criterion of `npm run soak`, on made-up series of half an hour: a leak is found, in noise
// too, and what is flat, noisy, comes and goes, or approaches a limit is no leak.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthOf, type Growth } from '../../tools/soak/growth.ts';
import { AGAIN, Random } from '../buffer/seed.ts';

const MINUTES = 30;
const EVERY_S = 5;
const MEMORY = { share: 0.05, floor: 8 };
const random = new Random();
const SERIES = 300;

/** Between -1 and 1, more often near 0. */
const noise = (): number => (random.below(1e6) - random.below(1e6)) / 1e6;

/** `at` gives the value at a minute. */
function verdictOf(at: (minute: number) => number, minutes = MINUTES): Growth['verdict'] {
  const count = (60 * minutes) / EVERY_S;
  const points = Array.from({ length: count }, (_, n) => {
    return { atMs: 1_000 * EVERY_S * n, value: at((EVERY_S * n) / 60) };
  });
  return growthOf(points, MEMORY).verdict;
}

/** How many of so many series of the same kind have it. */
function countOf(verdict: Growth['verdict'], at: (minute: number) => number): number {
  return Array.from({ length: SERIES }).filter(() => verdictOf(at) === verdict).length;
}

test('what stays as it is is flat', () => {
  assert.equal(
    verdictOf(() => 100),
    'flat',
  );
  assert.equal(
    verdictOf(() => 0),
    'flat',
  );
  assert.equal(
    verdictOf((minute) => 100 - minute),
    'flat',
    'it falls',
  );
});

test(`noise is flat, however wide it is ${AGAIN}`, () => {
  for (const width of [1, 10, 40]) {
    assert.ok(countOf('grows', () => 100 + width * noise()) <= SERIES / 30, String(width));
  }
});

test(`noise that goes on for minutes is seldom taken for growth ${AGAIN}`, () => {
  let drift = 0;
  const wander = (): number => {
    drift = 0.98 * drift + 2 * noise();
    return 100 + drift;
  };
  assert.ok(countOf('grows', wander) <= SERIES / 8);
});

test('what comes and goes is flat: garbage that is collected, a queue, one outlier', () => {
  assert.equal(
    verdictOf((minute) => 100 + 30 * ((minute * 1.3) % 1)),
    'flat',
  );
  assert.equal(
    verdictOf((minute) => 100 + 50 * Math.max(0, Math.sin(minute * 4))),
    'flat',
  );
  assert.equal(
    verdictOf((minute) => (Math.round(minute * 60) === 1_500 ? 9_000 : 100)),
    'flat',
  );
});

test(`what approaches a limit levels off, or has levelled off before ${AGAIN}`, () => {
  for (const minutes of [1, 3, 5, 8]) {
    const at = (minute: number): number => 200 - 100 * Math.exp(-minute / minutes) + noise();
    assert.ok(countOf('grows', at) === 0, String(minutes));
  }
  assert.equal(
    verdictOf((minute) => 200 - 100 * Math.exp(-minute / 8)),
    'levels off',
  );
  // One step: a buffer that doubled once.
  assert.notEqual(
    verdictOf((minute) => (minute > 20 ? 120 : 100)),
    'grows',
  );
});

/** Garbage that is collected, on top of a leak. */
const sawtooth = (minute: number): number => 100 + 1.2 * minute + 30 * ((minute * 1.3) % 1);

test(`a leak grows: slow or fast, in noise, and with collected garbage on top ${AGAIN}`, () => {
  for (const perMinute of [0.6, 1, 5, 100]) {
    const at = (minute: number): number => 100 + perMinute * minute + 3 * noise();
    assert.ok(countOf('grows', at) >= SERIES * 0.99, String(perMinute));
  }
  assert.equal(verdictOf(sawtooth), 'grows');
  assert.ok(countOf('grows', (minute) => sawtooth(minute) + 5 * noise()) >= SERIES * 0.95);
});

test('a leak is found after a warm-up, when it begins late, and when it becomes slower or faster', () => {
  assert.equal(
    verdictOf((minute) => 100 + 60 * (1 - Math.exp(-minute)) + minute),
    'grows',
  );
  assert.equal(
    verdictOf((minute) => 100 + Math.max(0, 3 * (minute - 15))),
    'grows',
  );
  assert.equal(
    verdictOf((minute) => 100 + 20 * Math.sqrt(minute)),
    'grows',
  );
  assert.equal(
    verdictOf((minute) => 100 + 30 * Math.log(1 + minute)),
    'grows',
  );
  assert.equal(
    verdictOf((minute) => 100 + minute ** 2 / 10),
    'grows',
  );
});

test('growth within the tolerance is none: a share of the level, or the floor', () => {
  assert.equal(
    verdictOf((minute) => 1_000 + minute),
    'flat',
  );
  assert.equal(
    verdictOf((minute) => 10 + minute / 5),
    'flat',
  );
});

test('a series that is too short says so', () => {
  assert.equal(
    verdictOf((minute) => 100 + minute, 4),
    'too short',
  );
  assert.equal(growthOf([], MEMORY).verdict, 'too short');
  assert.equal(growthOf([{ atMs: 0, value: 1 }], MEMORY).verdict, 'too short');
});

test('from and to are those of the first and the last windows after the warm-up', () => {
  const points = Array.from({ length: 361 }, (_, n) => ({ atMs: n * 5_000, value: 100 + n / 12 }));
  const { from, to } = growthOf(points, MEMORY);
  assert.ok(Math.abs(from - 112.5) < 1 && Math.abs(to - 127.5) < 1, `${from} to ${to}`);
});
