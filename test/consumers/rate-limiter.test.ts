// The rate limiter: no window has more attempts than the rate and the burst allow, and whoever
// stays below the rate never waits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateLimiter } from '../../src/consumers/rate-limiter.ts';
import { SEED } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

/** What ten milliseconds earn may be caught up on, and one attempt is always allowed. */
const burstOf = (perSecond: number): number => Math.max(1, perSecond / 100);

test('in no window are more sent than the rate allows, and the burst', async () => {
  const perSecond = fc.constantFrom(1, 7, 100, 2_000, 50_000);
  const tries = fc.array(fc.record({ pauseMs: fc.nat(30), wants: fc.nat(60) }), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      perSecond,
      tries,
      async (rate: number, plan: { pauseMs: number; wants: number }[]): Promise<void> => {
        const clock = new VirtualClock();
        const limiter = new RateLimiter(clock, rate);
        const sentAtMs: number[] = [];
        for (const { pauseMs, wants } of plan) {
          await clock.advance(pauseMs);
          for (let n = 0; n < wants; n++) if (limiter.take()) sentAtMs.push(clock.elapsed());
        }
        for (const [first, fromMs] of sentAtMs.entries()) {
          for (let last = first; last < sentAtMs.length; last++) {
            const allowed = burstOf(rate) + ((sentAtMs[last] as number) - fromMs) * (rate / 1_000);
            assert.ok(last - first + 1 <= allowed + 1e-6);
          }
        }
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
});

test('below the rate no attempt has to wait', async () => {
  for (const perSecond of [1, 10, 250, 1_000]) {
    const clock = new VirtualClock();
    const limiter = new RateLimiter(clock, perSecond);
    for (let n = 0; n < 200; n++) {
      assert.ok(limiter.take(), `the ${n}th at ${perSecond} a second`);
      await clock.advance(1_000 / perSecond);
    }
  }
});

test('after the wait that it names an attempt is allowed', async () => {
  for (const perSecond of [1, 3, 500, 2_000]) {
    const clock = new VirtualClock();
    const limiter = new RateLimiter(clock, perSecond);
    for (let n = 0; n < 20; n++) {
      while (limiter.take());
      assert.ok(limiter.waitMs > 0);
      // Timers round up.
      await clock.advance(Math.ceil(limiter.waitMs));
      assert.ok(limiter.take());
    }
  }
});

test('a long rest earns no more than the burst', async () => {
  const clock = new VirtualClock();
  const limiter = new RateLimiter(clock, 2_000);
  await clock.advance(3_600_000);
  let sent = 0;
  while (limiter.take()) sent++;
  assert.equal(sent, burstOf(2_000));
});

test('0 is no limit', () => {
  const limiter = new RateLimiter(new VirtualClock(), 0);
  for (let n = 0; n < 10_000; n++) assert.ok(limiter.take());
  assert.equal(limiter.waitMs, 0);
});
