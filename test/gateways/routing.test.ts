// Routing over time: a processor that is back is found again, and limits and time-outs are what the
// settings say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../src/config/config.ts';
import { Routing } from '../../src/gateways/routing.ts';
import { DEFAULT, FALLBACK, PROCESSORS, type ProcessorIndex } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

function routingOf(clock: VirtualClock, settings: Record<string, string> = {}): Routing {
  const required = {
    SOCKET_PATH: '/a',
    JOURNAL_PATH: '/j',
    DATABASE_URL: 'postgres://x/y',
    PROCESSOR_DEFAULT_URL: 'http://d',
    PROCESSOR_FALLBACK_URL: 'http://f',
  };
  return new Routing(clock, readConfig({ ...required, ...settings }));
}

/** Sends one payment there, answered after `tookMs`. */
async function attempt(
  { routing, clock }: { routing: Routing; clock: VirtualClock },
  processor: ProcessorIndex,
  tookMs: number,
  works: boolean,
): Promise<void> {
  const number = routing.breakers[processor].sent();
  await clock.advance(tookMs);
  routing.breakers[processor].ended(number, tookMs, works ? 'success' : 'failure');
}

/** So many different payments fail there that it counts as failing. */
async function fail(
  world: { routing: Routing; clock: VirtualClock },
  processor: ProcessorIndex,
): Promise<void> {
  while (!world.routing.breakers[processor].isFailing) await attempt(world, processor, 0, false);
}

test('the cheaper processor, whatever befell both, gets a payment again and again', async () => {
  const random = new Random();
  for (let round = 0; round < 60; round++) {
    const clock = new VirtualClock();
    const routing = routingOf(clock);
    const world = { routing, clock };
    let longestMs = 0;
    for (let n = 0; n < 10; n++) {
      const tookMs = random.below(random.chance(0.3) ? 6_000 : 200);
      longestMs = Math.max(longestMs, tookMs);
      await attempt(
        world,
        PROCESSORS[random.below(2)] as ProcessorIndex,
        tookMs,
        random.chance(0.5),
      );
      await clock.advance(random.below(60_000));
    }
    // Not before four of its delays have passed, while it works and is slow.
    const fromMs = clock.elapsed();
    const patienceMs = 4 * Math.max(250, longestMs) + 100;
    for (;;) {
      const choice = routing.choose(0, 1);
      if (choice === DEFAULT) break;
      if (choice === FALLBACK) await attempt(world, FALLBACK, 0, random.chance(0.5));
      await clock.advance(20);
      assert.ok(clock.elapsed() - fromMs <= patienceMs, `not within ${patienceMs} ms ${AGAIN}`);
    }
  }
});

test('one probe at a time, until it is answered', async () => {
  const clock = new VirtualClock();
  const routing = routingOf(clock);
  await fail({ routing, clock }, DEFAULT);
  // The first ones come sooner.
  for (const earlyMs of [...Array<number>(11).fill(20), 40, 80, 160]) {
    await clock.advance(earlyMs - 10);
    assert.equal(routing.choose(0, 100), 'wait');
    await clock.advance(10);
    assert.equal(routing.choose(0, 100), DEFAULT);
    await attempt({ routing, clock }, DEFAULT, 0, false);
  }
  await clock.advance(240);
  assert.equal(routing.choose(0, 100), 'wait');
  await clock.advance(10);
  assert.equal(routing.choose(0, 100), DEFAULT);
  await attempt({ routing, clock }, DEFAULT, 10, false);
  await clock.advance(250);
  assert.equal(routing.choose(0, 100), DEFAULT);
  const probe = routing.breakers[DEFAULT].sent();
  assert.equal(routing.choose(0, 100), 'wait');
  await clock.advance(5);
  routing.breakers[DEFAULT].ended(probe, 5, 'success');
  for (let n = 0; n < 16; n++) {
    assert.equal(routing.choose(0, 100), DEFAULT);
    routing.breakers[DEFAULT].sent();
  }
});

test('an outage is waited out for as long as the fees are apart, then fallback takes over', async () => {
  for (const [feeFallback, seconds] of [
    ['1500', 33],
    ['800', 10],
  ] as const) {
    const clock = new VirtualClock();
    const settings = { FEE_DEFAULT_BPS: '500', FEE_FALLBACK_BPS: feeFallback };
    const routing = routingOf(clock, { ...settings, WAIT_COST_BPS_PER_S: '30' });
    await fail({ routing, clock }, DEFAULT);
    // Each probe fails.
    while (routing.choose(0, 10) !== FALLBACK) {
      if (routing.choose(0, 10) === DEFAULT) await attempt({ routing, clock }, DEFAULT, 0, false);
      await clock.advance(20);
      assert.ok(clock.elapsed() < 60_000);
    }
    assert.equal(Math.floor(clock.elapsed() / 1_000), seconds);
  }
});

test('good health of a failing processor brings a probe at once, bad health of an idle one brings none', async () => {
  const clock = new VirtualClock();
  const routing = routingOf(clock);
  routing.reported(DEFAULT, { failing: true, minResponseTimeMs: 0 });
  assert.equal(routing.choose(0, 1), DEFAULT);
  await attempt({ routing, clock }, DEFAULT, 0, false);
  await clock.advance(1_000);
  await attempt({ routing, clock }, DEFAULT, 0, false);
  await clock.advance(10);
  assert.equal(routing.choose(0, 1), 'wait');
  await clock.advance(1_000);
  const probe = routing.breakers[DEFAULT].sent();
  assert.equal(routing.choose(0, 1), 'wait');
  routing.reported(DEFAULT, { failing: false, minResponseTimeMs: 0 });
  assert.equal(routing.choose(0, 1), DEFAULT);
  routing.breakers[DEFAULT].ended(probe, 0, 'success');
});

const limits = (settings: Record<string, string>): number[] =>
  routingOf(new VirtualClock(), settings).breakers.map((breaker) => breaker.view().inFlightMax);

test('the limit on what is under way is shared by the instances, and never above the connections', () => {
  assert.deepEqual(limits({}), [700, 100]);
  assert.deepEqual(limits({ PEER_SOCKET_PATHS: '/a,/b' }), [350, 100]);
  assert.deepEqual(limits({ PEER_SOCKET_PATHS: '/a,/b,/c', POOL_FALLBACK: '1000' }), [233, 233]);
  assert.deepEqual(limits({ IN_FLIGHT_MAX: '2', PEER_SOCKET_PATHS: '/a,/b' }), [1, 1]);
});

test('time-outs follow what health reports, within their bounds; the eager ones are fixed', () => {
  const clock = new VirtualClock();
  const thrifty = routingOf(clock);
  assert.equal(thrifty.timeoutMs(DEFAULT), 6_000);
  thrifty.reported(DEFAULT, { failing: false, minResponseTimeMs: 2_000 });
  assert.equal(thrifty.timeoutMs(DEFAULT), 10_000);
  assert.equal(thrifty.timeoutMs(FALLBACK), 6_000);
  thrifty.reported(DEFAULT, { failing: true, minResponseTimeMs: 60_000 });
  assert.equal(thrifty.timeoutMs(DEFAULT), 15_000);
  const eager = routingOf(clock, { POLICY: 'eager' });
  eager.reported(DEFAULT, { failing: false, minResponseTimeMs: 2_000 });
  assert.deepEqual(
    PROCESSORS.map((processor) => eager.timeoutMs(processor)),
    [300, 3_000],
  );
});
