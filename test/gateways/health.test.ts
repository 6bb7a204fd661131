// The watch over the processors' health: the leader alone asks, never twice within 5 s at one processor whoever leads, and what it
// hears reaches everyone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sleep, type Clock } from '../../src/clock.ts';
import { HealthWatch } from '../../src/gateways/health.ts';
import type { Health, Processor } from '../../src/gateways/processor.ts';
import { PROCESSORS, type ProcessorIndex } from '../../src/payment.ts';
import { SEED } from '../buffer/seed.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const EVERY_MS = 5_000;
type Heard = [ProcessorIndex, Health];

const never = (): never => assert.fail('a watch asks for health alone');

/** Processors that take `tookMs()` to tell their health; `calls` are the times at which they were asked. */
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

function watchOf(
  clock: Clock,
  processors: [Processor, Processor],
  leads: () => number | undefined,
) {
  const published: string[] = [];
  const heard: Heard[] = [];
  const watch = new HealthWatch({
    clock,
    processors,
    everyMs: EVERY_MS,
    timeoutMs: 7_000,
    leadingSinceMs: leads,
    publish: (text) => published.push(text),
    onHealth: (processor, health) => heard.push([processor, health]),
  });
  return { watch, published, heard };
}

test('who does not lead asks nothing', async () => {
  const clock = new VirtualClock();
  const { calls, processors } = askedProcessors(clock, () => 1, WELL);
  const { watch, published } = watchOf(clock, processors, () => undefined);
  watch.start();
  await clock.advance(60_000);
  watch.stop();
  assert.deepEqual(calls, [[], []]);
  assert.deepEqual(published, []);
});

test('what the leader tells is what everyone hears', async () => {
  for (const health of [WELL, { failing: true, minResponseTimeMs: 0 }]) {
    const clock = new VirtualClock();
    const { processors } = askedProcessors(clock, () => 1, health);
    const { watch, published, heard } = watchOf(clock, processors, () => 0);
    watch.start();
    await clock.advance(EVERY_MS + 1);
    watch.stop();
    assert.equal(published.length, 2);
    for (const text of published) watch.hear(text);
    assert.deepEqual(
      heard.toSorted(([one], [other]) => one - other),
      [
        [0, health],
        [1, health],
      ],
    );
  }
});

test('news that are none are not heard', () => {
  const clock = new VirtualClock();
  const { processors } = askedProcessors(clock, () => 1, WELL);
  const { watch, heard } = watchOf(clock, processors, () => 0);
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
    watch.hear(text);
  }
  assert.deepEqual(heard, []);
});

test('no answer is no news, and the next call comes in its time', async () => {
  const clock = new VirtualClock();
  const { calls, processors } = askedProcessors(clock, () => 7_000, undefined);
  const { watch, published } = watchOf(clock, processors, () => 0);
  watch.start();
  await clock.advance(60_000);
  watch.stop();
  assert.deepEqual(published, []);
  assert.deepEqual(calls[0], [5_000, 17_000, 29_000, 41_000, 53_000]);
});

test('whoever leads and whenever that changes: 5 s between two calls to a processor', async () => {
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
        const watches = [0, 1].map((n) => watchOf(clock, processors, () => since[n]).watch);
        for (const watch of watches) watch.start();
        for (const { leader, forMs } of plan) {
          if (since[leader] === undefined) {
            since.fill(undefined);
            if (leader < 2) since[leader] = clock.elapsed();
          }
          await clock.advance(forMs);
        }
        for (const watch of watches) watch.stop();
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
