// How soon the ring will be full, from the last half minute: told early enough, and not for a
// backlog that goes away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_S, RingForecast } from '../../src/watch/ring-forecast.ts';

const SLOTS = 100_000;

class Filled {
  readonly forecast = new RingForecast();
  used = 0;
  #second = 0;
  #accepted = 0;

  /** For so many seconds `comes` are accepted and `leaves` are settled in each. */
  pass(seconds: number, comes: number, leaves: number): void {
    for (let n = 0; n < seconds; n++) {
      this.#accepted += Math.min(comes, SLOTS - this.used);
      this.used = Math.max(0, Math.min(SLOTS, this.used + comes - leaves));
      const observed = { slots: SLOTS, used: this.used, accepted: this.#accepted };
      this.forecast.update(observed, 1_000 * ++this.#second);
    }
  }

  /** Purged: what was accepted begins at 0 again. */
  purge(): void {
    this.used = 0;
    this.#accepted = 0;
  }
}

test('without an outage the ring is never full, and it is known how long an outage may last', () => {
  const ring = new Filled();
  assert.equal(ring.forecast.lastsS, DAY_S);
  ring.pass(100, 500, 500);
  const { fullInS, lastsS, isFillingUp } = ring.forecast;
  assert.deepEqual(
    { fullInS, lastsS, isFillingUp },
    { fullInS: DAY_S, lastsS: 200, isFillingUp: false },
  );
  ring.pass(40, 0, 0);
  assert.equal(ring.forecast.lastsS, DAY_S);
});

test('at 500 payments a second an outage is told when two minutes are left, not at 80 % of the slots', () => {
  const ring = new Filled();
  ring.pass(60, 500, 500);
  let seconds = 0;
  while (!ring.forecast.isFillingUp) {
    ring.pass(1, 500, 0);
    seconds++;
  }
  assert.ok(seconds <= 30, String(seconds));
  assert.ok(ring.used <= 0.15 * SLOTS, String(ring.used));
  ring.pass(30, 500, 0);
  assert.equal(ring.forecast.fullInS, (SLOTS - ring.used) / 500);
  ring.pass(200, 500, 0);
  assert.equal(ring.forecast.fullInS, 0, 'it is full');
  assert.equal(ring.forecast.isFillingUp, true);
  ring.pass(40, 500, 2_000);
  assert.equal(ring.forecast.isFillingUp, false);
});

test('where there is time it is told five minutes before the end', () => {
  const ring = new Filled();
  ring.pass(30, 50, 50);
  while (!ring.forecast.isFillingUp) ring.pass(1, 50, 0);
  const leftS = (SLOTS - ring.used) / 50;
  assert.ok(leftS > 290 && leftS < 300, String(leftS));
});

test('a backlog of a few seconds, or in an almost empty ring, is not told', () => {
  const ring = new Filled();
  ring.pass(60, 1_000, 1_000);
  ring.pass(4, 4_000, 1_000);
  ring.pass(10, 1_000, 3_000);
  assert.equal(ring.forecast.isFillingUp, false);
  ring.pass(20, 1_000, 600);
  assert.ok(ring.used < 0.1 * SLOTS);
  assert.equal(ring.forecast.isFillingUp, false);
});

test('a backlog that came at once and stays is not told, and one that goes on growing is', () => {
  const ring = new Filled();
  ring.pass(60, 1_000, 1_000);
  ring.pass(1, 16_000, 1_000);
  for (let second = 0; second < 40; second++) {
    ring.pass(1, 1_000, 1_000);
    assert.equal(ring.forecast.isFillingUp, false, String(second));
  }
  ring.pass(30, 1_000, 500);
  assert.equal(ring.forecast.isFillingUp, true);
});

test('a purge is no outage, and after it the rate is known again', () => {
  const ring = new Filled();
  ring.pass(60, 500, 400);
  ring.purge();
  ring.pass(1, 500, 400);
  assert.equal(ring.forecast.lastsS, DAY_S);
  ring.pass(40, 500, 500);
  assert.equal(ring.forecast.lastsS, (SLOTS - ring.used) / 500);
});
