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

test('while no CPU is left, turns that come late halve the rate, to a quarter at the least', async () => {
  const clock = new VirtualClock();
  const limiter = new RateLimiter(clock, 1_000);
  const sentIn = async (ms: number): Promise<number> => {
    let sent = 0;
    for (let n = 0; n < ms; n++) {
      while (limiter.take()) sent++;
      await clock.advance(1);
      clock.usedCpuMs++;
      limiter.late(0);
    }
    return sent;
  };
  await sentIn(100);
  limiter.late(14);
  assert.ok((await sentIn(10)) >= 9, 'a little late is usual');
  limiter.late(50);
  limiter.late(50);
  const halved = await sentIn(100);
  assert.ok(halved >= 45 && halved <= 60, `${halved} in 100 ms: once for a period`);
  for (let n = 0; n < 10; n++) {
    limiter.late(50);
    await sentIn(100);
  }
  limiter.late(50);
  const least = await sentIn(100);
  assert.ok(least >= 24 && least <= 35, `${least} in 100 ms`);
  await sentIn(2_000);
  const whole = await sentIn(100);
  assert.ok(whole >= 99 && whole <= 101, `${whole} in 100 ms`);
});

test('a process that is held up and has CPU left sends as many as come in, however late its turns are', async () => {
  for (const [heldUpMs, everyMs] of [
    [20, 100],
    [20, 200],
    [80, 100],
    [500, 1_000],
  ] as const) {
    const clock = new VirtualClock();
    // The compose file's settings.
    const limiter = new RateLimiter(clock, 600, 10);
    const perS = 150;
    let [came, sent] = [0, 0];
    for (let atMs = 0; atMs < 15_000;) {
      const isHeldUp = atMs % everyMs >= everyMs - heldUpMs;
      const stepMs = isHeldUp ? heldUpMs : 1;
      clock.stall(stepMs);
      atMs += stepMs;
      came = (atMs * perS) / 1_000;
      if (!isHeldUp) clock.usedCpuMs += 0.12;
      limiter.late(isHeldUp ? heldUpMs : 0);
      while (sent < came && limiter.take()) sent++;
    }
    assert.ok(came - sent < perS, `${came - sent} wait: ${heldUpMs} of ${everyMs} ms`);
  }
});
