// Health of the processors: only the leader asks, never twice within 5 s at one processor even when
// the leader changes, and every instance learns the answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sleep, type Clock } from '../../src/clock.ts';
import { HealthMonitor } from '../../src/health-monitor.ts';
import type { Health, Processor } from '../../src/gateways/processor.ts';
import { PROCESSORS, type ProcessorIndex } from '../../src/payment.ts';
import { SEED } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const EVERY_MS = 5_000;
type Reported = [ProcessorIndex, Health];

const never = (): never => assert.fail('a monitor asks for health alone');

/** Processors that answer a health call after `tookMs()`; `calls` has the times of the calls. */
function askedProcessors(clock: Clock, tookMs: () => number, health: Health | undefined) {
  const calls: [number[], number[]] = [[], []];
  const processors = PROCESSORS.map((processor): Processor => ({
    charge: never,
    lookup: never,
    health: async () => {
      calls[processor].push(clock.elapsed());
      await sleep(clock, tookMs());
      return health;
    },
  }));
  return { calls, processors: processors as [Processor, Processor] };
}

const WELL: Health = { failing: false, minResponseTimeMs: 12.5 };

function monitorOf(
  clock: Clock,
  processors: [Processor, Processor],
  leads: () => number | undefined,
) {
  const published: string[] = [];
  const reported: Reported[] = [];
  let receive: (report: string) => void = never;
  const monitor = new HealthMonitor({
    config: { HEALTH_EVERY_MS: EVERY_MS, HEALTH_TIMEOUT_MS: 7_000 },
    clock,
    processors,
    election: {
      get leadingSinceMs() {
        return leads();
      },
      start: (onNotification) => void (receive = onNotification),
      publish: (text) => void published.push(text),
      close: () => Promise.resolve(),
    },
    engine: { reported: (processor, health) => void reported.push([processor, health]) },
  });
  monitor.start();
  return { monitor, published, reported, receive };
}

test('an instance that does not lead asks nothing', async () => {
  const clock = new VirtualClock();
  const { calls, processors } = askedProcessors(clock, () => 1, WELL);
  const { monitor, published } = monitorOf(clock, processors, () => undefined);
  await clock.advance(60_000);
  monitor.stop();
  assert.deepEqual(calls, [[], []]);
  assert.deepEqual(published, []);
});

test('every instance learns what the leader publishes', async () => {
  for (const health of [WELL, { failing: true, minResponseTimeMs: 0 }]) {
    const clock = new VirtualClock();
    const { processors } = askedProcessors(clock, () => 1, health);
    const { monitor, published, reported, receive } = monitorOf(clock, processors, () => 0);
    await clock.advance(EVERY_MS + 1);
    monitor.stop();
    assert.equal(published.length, 2);
    for (const text of published) receive(text);
    assert.deepEqual(
      reported.toSorted(([one], [other]) => one - other),
      [
        [0, health],
        [1, health],
      ],
    );
  }
});

test('a message that is malformed is ignored', () => {
  const clock = new VirtualClock();
  const { processors } = askedProcessors(clock, () => 1, WELL);
  const { monitor, reported, receive } = monitorOf(clock, processors, () => 0);
  monitor.stop();
  for (const text of [
    '',
    'x',
    'default',
    'default working',
    'default working x',
    'third working 1',
    'default working -1',
    'default working Infinity',
    'default working 1e9',
  ]) {
    receive(text);
  }
  assert.deepEqual(reported, []);
});

test('without an answer nothing is published, and the next call comes in its time', async () => {
  const clock = new VirtualClock();
  const { calls, processors } = askedProcessors(clock, () => 7_000, undefined);
  const { monitor, published } = monitorOf(clock, processors, () => 0);
  await clock.advance(60_000);
  monitor.stop();
  assert.deepEqual(published, []);
  assert.deepEqual(calls[0], [5_000, 17_000, 29_000, 41_000, 53_000]);
});

test('there are 5 s between two calls to a processor, whoever leads and whenever that changes', async () => {
  const reign = fc.record({ leader: fc.nat(2), forMs: fc.integer({ min: 1, max: 30_000 }) });
  const reigns = fc.array(reign, { minLength: 1, maxLength: 12 });
  const took = fc.array(fc.integer({ min: 1, max: 6_999 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      reigns,
      took,
      async (plan: { leader: number; forMs: number }[], tookMs: number[]) => {
        const clock = new VirtualClock();
        let asked = 0;
        const next = (): number => tookMs[asked++ % tookMs.length] as number;
        const { calls, processors } = askedProcessors(clock, next, WELL);
        // Number 2 is nobody: between two leaders there may be none.
        const since: (number | undefined)[] = [undefined, undefined];
        const monitors = [0, 1].map((n) => monitorOf(clock, processors, () => since[n]).monitor);
        for (const { leader, forMs } of plan) {
          if (since[leader] === undefined) {
            since.fill(undefined);
            if (leader < 2) since[leader] = clock.elapsed();
          }
          await clock.advance(forMs);
        }
        for (const monitor of monitors) monitor.stop();
        for (const times of calls) {
          for (let n = 1; n < times.length; n++) {
            const apartMs = (times[n] as number) - (times[n - 1] as number);
            assert.ok(apartMs >= EVERY_MS, `asked ${apartMs} ms apart`);
          }
        }
      },
    ),
    { seed: SEED, numRuns: 100 },
  );
});
