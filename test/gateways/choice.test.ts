// The choice of a processor, by properties that hold for any two processors, prices and backlog.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  costOf,
  eager,
  thrifty,
  type Prices,
  type ProcessorView,
} from '../../src/gateways/choice.ts';
import { SEED } from '../buffer/seed.ts';

const RUNS = { seed: SEED, numRuns: 2_000 };
type Pair = readonly [ProcessorView, ProcessorView];

const view: fc.Arbitrary<ProcessorView> = fc
  .record({
    feeBps: fc.nat(2_000),
    failingForMs: fc.option(fc.nat(200_000), { nil: undefined }),
    delayMs: fc.nat(10_000),
    inFlightMax: fc.integer({ min: 1, max: 400 }),
    fullness: fc.constantFrom(0, 0.5, 0.99, 1),
    mayProbe: fc.boolean(),
  })
  .map(({ fullness, mayProbe, ...breaker }) => {
    const inFlight = Math.floor(breaker.inFlightMax * fullness);
    return { ...breaker, inFlight, probeDue: mayProbe && inFlight < breaker.inFlightMax };
  });
const breakers: fc.Arbitrary<Pair> = fc.tuple(view, view);
const prices: fc.Arbitrary<Prices> = fc.record({
  waitBpsPerS: fc.nat(500),
  flightBpsPerS: fc.nat(500),
});
const backlog = fc.integer({ min: 1, max: 50_000 });

const hasRoom = (breaker: ProcessorView): boolean => breaker.inFlight < breaker.inFlightMax;

test('the same is chosen for the same, and nothing is changed', () => {
  fc.assert(
    fc.property(breakers, prices, backlog, (both: Pair, price: Prices, waiting: number): void => {
      for (const breaker of both) Object.freeze(breaker);
      const choice = thrifty(both, Object.freeze(price), waiting);
      assert.equal(thrifty([{ ...both[0] }, { ...both[1] }], { ...price }, waiting), choice);
    }),
    RUNS,
  );
});

test('no processor gets more than its limit, and a failing one gets probes alone', () => {
  fc.assert(
    fc.property(breakers, prices, backlog, (both: Pair, price: Prices, waiting: number): void => {
      const choice = thrifty(both, price, waiting);
      if (choice === 'wait') return;
      assert.ok(hasRoom(both[choice]));
      if (both[choice].failingForMs !== undefined) assert.ok(both[choice].probeDue);
    }),
    RUNS,
  );
});

test('of two that are equally well and fast the cheaper one, and the default one when both cost the same', () => {
  fc.assert(
    fc.property(breakers, prices, backlog, (both: Pair, price: Prices, waiting: number): void => {
      const { delayMs } = both[0];
      const well = { failingForMs: undefined, delayMs, inFlight: 0, probeDue: false };
      const pair: Pair = [
        { ...both[0], ...well },
        { ...both[1], ...well },
      ];
      assert.equal(thrifty(pair, price, waiting), pair[0].feeBps <= pair[1].feeBps ? 0 : 1);
    }),
    RUNS,
  );
});

test('when time costs nothing, the dearer one is never chosen', () => {
  fc.assert(
    fc.property(breakers, backlog, (both: Pair, waiting: number): void => {
      const choice = thrifty(both, { waitBpsPerS: 0, flightBpsPerS: 0 }, waiting);
      if (choice === 'wait') return;
      assert.ok(both[choice].feeBps <= both[choice === 0 ? 1 : 0].feeBps);
    }),
    RUNS,
  );
});

test('a higher fee, a longer delay, a longer outage and a longer backlog never cost less', () => {
  fc.assert(
    fc.property(
      view,
      prices,
      backlog,
      fc.nat(100_000),
      (breaker: ProcessorView, price: Prices, waiting: number, more: number): void => {
        const cost = costOf(breaker, price, waiting);
        const worse: ProcessorView[] = [
          { ...breaker, feeBps: breaker.feeBps + more },
          { ...breaker, delayMs: breaker.delayMs + more },
        ];
        if (breaker.failingForMs !== undefined) {
          worse.push({ ...breaker, failingForMs: breaker.failingForMs + more });
        }
        for (const other of worse) assert.ok(costOf(other, price, waiting) >= cost);
        assert.ok(costOf(breaker, price, waiting + more) >= cost);
      },
    ),
    RUNS,
  );
});

test('the chosen one stays chosen when the other one gets worse, probes apart', () => {
  fc.assert(
    fc.property(
      breakers,
      prices,
      backlog,
      fc.nat(100_000),
      (given: Pair, price: Prices, waiting: number, more: number): void => {
        const [one, two] = given;
        const both: Pair = [
          { ...one, probeDue: false },
          { ...two, probeDue: false },
        ];
        const choice = thrifty(both, price, waiting);
        if (choice === 'wait') return;
        const other = both[choice === 0 ? 1 : 0];
        const { failingForMs } = other;
        const worse: ProcessorView = {
          ...other,
          feeBps: other.feeBps + more,
          delayMs: other.delayMs + more,
          failingForMs: failingForMs === undefined ? undefined : failingForMs + more,
        };
        assert.equal(
          thrifty(choice === 0 ? [both[0], worse] : [worse, both[1]], price, waiting),
          choice,
        );
      },
    ),
    RUNS,
  );
});

test('nobody waits while the better one is well and has room', () => {
  fc.assert(
    fc.property(breakers, prices, backlog, (both: Pair, price: Prices, waiting: number): void => {
      if (thrifty(both, price, waiting) !== 'wait') return;
      const costs = both.map((breaker) => costOf(breaker, price, waiting)) as [number, number];
      const better = costs[0] <= costs[1] ? both[0] : both[1];
      assert.ok(better.failingForMs !== undefined || !hasRoom(better));
    }),
    RUNS,
  );
});

test('eager tries default with its retries, then fallback with its own, and begins again', () => {
  const breaker: ProcessorView = {
    feeBps: 0,
    failingForMs: 1,
    delayMs: 0,
    inFlight: 0,
    inFlightMax: 1,
    probeDue: false,
  };
  const order = Array.from({ length: 14 }, (_, declines) => eager([breaker, breaker], 2, declines));
  assert.deepEqual(order, [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]);
  assert.deepEqual(
    [0, 1, 2].map((declines) => eager([breaker, breaker], 0, declines)),
    [0, 1, 0],
  );
  const full = { ...breaker, inFlight: 1 };
  assert.equal(eager([full, breaker], 2, 0), 'wait');
  assert.equal(eager([breaker, full], 2, 3), 'wait');
});
