// The circuit breaker beside a model that keeps every attempt in a list and searches the whole list
// each time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CircuitBreaker } from '../../src/gateways/circuit-breaker.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const PROBE_MS = 250;
const MAX = 5;

interface Attempt {
  readonly number: number;
  readonly sentAtMs: number;
  answered: boolean;
}

class Model {
  readonly attempts: Attempt[] = [];
  #delayMs = 0;
  #workingDelayMs = 0;
  #failingSinceMs: number | undefined;
  #quietSinceMs = Number.NEGATIVE_INFINITY;
  #lastAnswerMs = Number.NEGATIVE_INFINITY;
  /** Failures since the last good answer. */
  #inRow = 0;
  #needed = 3;
  #wrongAtMs = Number.NEGATIVE_INFINITY;
  #sentSinceVerdict = 0;
  #verdictAtMs = Number.NEGATIVE_INFINITY;

  get open(): Attempt[] {
    return this.attempts.filter(({ answered }) => !answered);
  }

  get #newestAnswered(): number {
    return Math.max(0, ...this.attempts.filter((a) => a.answered).map(({ number }) => number));
  }

  sent(number: number, nowMs: number): void {
    this.attempts.push({ number, sentAtMs: nowMs, answered: false });
    this.#quietSinceMs = nowMs;
    this.#sentSinceVerdict++;
  }

  answered(attempt: Attempt, nowMs: number, works: boolean): void {
    const isNewest = attempt.number > this.#newestAnswered;
    attempt.answered = true;
    const halvings = Math.floor((nowMs - this.#wrongAtMs) / 60_000);
    const needed = Math.max(3, this.#needed / 2 ** Math.min(halvings, 10));
    if (works) {
      if (nowMs - this.#verdictAtMs < 5_000) {
        [this.#needed, this.#wrongAtMs] = [Math.min(96, needed * 2), nowMs];
        this.#verdictAtMs = Number.NEGATIVE_INFINITY;
      }
      this.#inRow = 0;
      this.#failingSinceMs = undefined;
    } else if (++this.#inRow >= needed) this.#fails(nowMs);
    // A failure that is no verdict says nothing of the processor.
    if (!works && this.#failingSinceMs === undefined) return;
    this.#lastAnswerMs = nowMs;
    if (isNewest) this.#delayMs = nowMs - attempt.sentAtMs;
    if (works) this.#workingDelayMs = this.#delayMs;
  }

  #fails(nowMs: number): void {
    if (this.#failingSinceMs !== undefined) return;
    this.#failingSinceMs = nowMs;
    this.#verdictAtMs = nowMs;
    this.#sentSinceVerdict = 0;
  }

  reported(failing: boolean, delayMs: number, nowMs: number): void {
    if (nowMs - this.#lastAnswerMs < 1_000) return;
    if (failing) this.#fails(nowMs);
    else {
      const isBetter = this.#failingSinceMs !== undefined || delayMs < this.#delayMs;
      if (isBetter) this.#quietSinceMs = Number.NEGATIVE_INFINITY;
      this.#delayMs = Math.max(this.#delayMs, delayMs);
    }
  }

  view(nowMs: number): unknown {
    const failing = this.#failingSinceMs !== undefined;
    const later = this.attempts.filter(({ number }) => number > this.#newestAnswered);
    const [, second] = later;
    const ageMs = second === undefined ? 0 : nowMs - second.sentAtMs;
    const lateMs = Math.max(0, ageMs - this.#delayMs);
    const probeMs = failing
      ? Math.min(
          Math.max(PROBE_MS, this.#delayMs / 4),
          PROBE_MS * 4,
          20 * 2 ** Math.max(0, this.#sentSinceVerdict - 10),
        )
      : Math.max(PROBE_MS, this.#delayMs * 4);
    return {
      feeBps: 500,
      failingForMs: failing ? nowMs - (this.#failingSinceMs as number) : undefined,
      // As late again as it is late.
      delayMs: failing ? this.#workingDelayMs : this.#delayMs + 2 * lateMs,
      inFlight: this.open.length,
      inFlightMax: MAX,
      probeDue: this.open.length < MAX && nowMs - this.#quietSinceMs >= probeMs,
    };
  }
}

const laneOf = (clock: VirtualClock): CircuitBreaker =>
  new CircuitBreaker(clock, { feeBps: 500, inFlightMax: MAX, probeEveryMs: PROBE_MS });

test('it knows what a list of all attempts knows, in whatever order they are answered', async () => {
  for (let round = 0; round < 40; round++) {
    const random = new Random(SEED + round);
    const clock = new VirtualClock();
    const breaker = laneOf(clock);
    const model = new Model();
    const worksShare = random.chance(0.5) ? 0.7 : 0.2;
    for (let step = 0; step < 150; step++) {
      const nowMs = clock.elapsed();
      const { open } = model;
      const dice = random.below(10);
      if (dice < 3 && open.length < MAX) {
        model.sent(breaker.sent(), nowMs);
      } else if (dice < 6 && open.length > 0) {
        const attempt = open[random.below(open.length)] as Attempt;
        const works = random.chance(worksShare);
        breaker.ended(attempt.number, nowMs - attempt.sentAtMs, works ? 'success' : 'failure');
        model.answered(attempt, nowMs, works);
      } else if (dice === 6) {
        const [failing, delayMs] = [random.chance(0.5), random.below(3_000)];
        breaker.reported(failing, delayMs);
        model.reported(failing, delayMs, nowMs);
        assert.equal(breaker.minResponseTimeMs, delayMs);
      } else {
        await clock.advance(random.below(random.chance(0.2) ? 3_000 : 100));
      }
      assert.deepEqual(breaker.view(), model.view(clock.elapsed()), `step ${step} ${AGAIN}`);
    }
  }
});

test('a processor that hangs is known to be slow before anything answers', async () => {
  const clock = new VirtualClock();
  const breaker = laneOf(clock);
  breaker.ended(breaker.sent(), 0, 'success');
  breaker.sent();
  breaker.sent();
  await clock.advance(700);
  breaker.sent();
  await clock.advance(300);
  assert.equal(breaker.view().delayMs, 2_000);
});

test('one payment that hangs makes no processor slow', async () => {
  const clock = new VirtualClock();
  const breaker = laneOf(clock);
  breaker.ended(breaker.sent(), 0, 'success');
  const hanging = breaker.sent();
  await clock.advance(6_000);
  assert.equal(breaker.view().delayMs, 0);
  breaker.ended(hanging, 6_000, 'failure');
  assert.equal(breaker.view().delayMs, 0);
  assert.equal(breaker.isFailing, false);
});

test('several different payments that fail in a row open it; when that was wrong, the next time takes more of them', () => {
  const clock = new VirtualClock();
  const breaker = laneOf(clock);
  const failuresUntilVerdict = (): number => {
    let failures = 0;
    while (!breaker.isFailing) {
      breaker.ended(breaker.sent(), 1, 'failure');
      // A payment that failed before.
      breaker.ended(breaker.sent(), 1, 'none');
      failures++;
    }
    return failures;
  };
  for (const expected of [3, 6, 12, 24, 48, 96, 96]) {
    assert.equal(failuresUntilVerdict(), expected);
    breaker.ended(breaker.sent(), 1, 'success');
  }
  clock.stall(60_000);
  assert.equal(failuresUntilVerdict(), 48, 'a minute later half as many');
  clock.stall(600_000);
  breaker.ended(breaker.sent(), 1, 'success');
  assert.equal(failuresUntilVerdict(), 3, 'after a while');
  clock.stall(5_000);
  breaker.ended(breaker.sent(), 1, 'success');
  assert.equal(failuresUntilVerdict(), 3, 'an outage that ends is no wrong verdict');
});

test('an answer that comes as late as the last one is not late', async () => {
  const clock = new VirtualClock();
  const breaker = laneOf(clock);
  const first = breaker.sent();
  await clock.advance(1_000);
  breaker.ended(first, 1_000, 'success');
  breaker.sent();
  breaker.sent();
  await clock.advance(1_000);
  assert.equal(breaker.view().delayMs, 1_000);
  await clock.advance(5);
  assert.equal(breaker.view().delayMs, 1_010);
});

test('how much a processor bears at once is found again: halved once for all the answers 429, then raised by good answers', () => {
  const breaker = new CircuitBreaker(new VirtualClock(), {
    feeBps: 500,
    inFlightMax: 64,
    probeEveryMs: 1,
  });
  const limit = (): number => breaker.view().inFlightMax;
  const busy = (attempts: readonly number[]): void => {
    for (const attempt of attempts) breaker.ended(attempt, 1, 'busy');
  };
  const send = (count: number): number[] => Array.from({ length: count }, () => breaker.sent());
  busy(send(40));
  assert.equal(limit(), 32, 'all of them left before the limit was halved');
  breaker.ended(breaker.sent(), 1, 'success');
  busy(send(7));
  assert.equal(limit(), 32, 'a few may be so for what they are');
  busy(send(1 + 8));
  assert.equal(limit(), 16);
  for (let round = 0, before = limit(); limit() < 64; round++, before = limit()) {
    assert.ok(round < 100, 'it grows back');
    for (const attempt of send(before)) breaker.ended(attempt, 1, 'success');
    assert.ok(limit() <= Math.ceil(before * 1.26), 'by a quarter a round');
  }
  assert.equal(breaker.view().failingForMs, undefined, 'busy is not failing');
});

test('a processor that answers 429 to a single attempt counts as failing', () => {
  const breaker = laneOf(new VirtualClock());
  for (let n = 0; n < 32; n++) breaker.ended(breaker.sent(), 1, 'busy');
  assert.equal(breaker.view().inFlightMax, 1);
  assert.equal(breaker.isFailing, true);
  breaker.ended(breaker.sent(), 1, 'success');
  assert.equal(breaker.view().failingForMs, undefined);
});
