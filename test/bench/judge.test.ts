// What "sustained" means, when a run is ended early, and what ran out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarlyEnd } from '../../bench/sustained/early-end.ts';
import { whatRunsOut } from '../../bench/sustained/first-limit.ts';
import { reasonsOf, timesOf, type Accepted } from '../../bench/sustained/judge.ts';
import type { Usage } from '../../tools/compose/usage.ts';

const AT = 1_795_000_000_000;
const payment = (chargedMs?: number, recordedMs?: number): Accepted => ({
  acceptedAtMs: AT,
  chargedAtMs: chargedMs === undefined ? undefined : AT + chargedMs,
  recordedByMs: recordedMs === undefined ? undefined : AT + recordedMs,
});
const QUICK = Float32Array.from({ length: 100 }, () => 2);
const ALL_ACCEPTED = new Map([[202, 100]]);

test('a rate is sustained if each payment is charged and recorded in time', () => {
  const times = timesOf(QUICK, [payment(1_000, 2_000), payment(-1, 100)]);
  assert.deepEqual(reasonsOf(times, ALL_ACCEPTED), []);
  assert.equal(times.charge.mostMs, 1_000);
  assert.equal(times.charge.p50Ms, 1_000);
  assert.equal(times.record.mostMs, 2_000);
});

test('one payment that is late, or never comes, is enough', () => {
  const late = timesOf(QUICK, [payment(10, 20), payment(1_001, 2_001)]);
  assert.deepEqual(reasonsOf(late, ALL_ACCEPTED), [
    '1 charged after more than 1 s',
    '1 recorded after more than 2 s',
  ]);
  const never = timesOf(QUICK, [payment(10, 20), payment()]);
  assert.equal(never.charge.mostMs, Infinity);
  assert.equal(reasonsOf(never, ALL_ACCEPTED).length, 2);
});

test('a refusal, a missing answer and a slow p99 are reasons too', () => {
  const slow = QUICK.map((latencyMs, index) => (index < 2 ? 10 : latencyMs));
  const times = timesOf(slow, [payment(10, 20)]);
  const statuses = new Map([...ALL_ACCEPTED, [503, 3], [0, 1]]);
  assert.deepEqual(reasonsOf(times, statuses), ['3 × 503', '1 without an answer', 'p99 10.0 ms']);
});

test('without an answer at all nothing is sustained', () => {
  const times = timesOf(new Float32Array(0), []);
  assert.ok(reasonsOf(times, new Map([[0, 100]])).length > 0);
});

test('a run goes on while it can succeed, and ends when it can not', () => {
  const early = new EarlyEnd(1_000);
  const report = { atMs: AT, accepted: 100, refused: 0, slow: 10 };
  assert.equal(early.onReport(report), false);
  assert.equal(early.onCharged(0, AT + 1_499), false, 'they may be charged still');
  assert.equal(early.onCharged(100, AT + 60_000), false);
  assert.equal(early.onCharged(99, AT + 1_500), true);
  assert.equal(early.onReport({ ...report, slow: 11 }), true);
  assert.equal(early.onReport({ ...report, refused: 1 }), true);
});

const usage = (changed: Partial<Usage>): Usage => ({
  memoryBytes: 10 * 2 ** 20,
  memoryLimitBytes: 100 * 2 ** 20,
  cpuMs: 1_000,
  periods: 100,
  throttledPeriods: 0,
  throttledMs: 0,
  ...changed,
});
const LOAD = {
  cores: 2,
  durationMs: 10_000,
  machineCpuMs: 12_000,
  generatorCpuMs: 2_000,
  processorsCpuMs: 4_000,
  lateP99Ms: 1,
};

test('what runs out is named, the most throttled part first', () => {
  const used = new Map([
    ['nginx', usage({ throttledPeriods: 5 })],
    ['api1', usage({ throttledPeriods: 30 })],
    ['postgres', usage({ throttledPeriods: 4, memoryBytes: 91 * 2 ** 20 })],
  ]);
  assert.deepEqual(whatRunsOut({ ...LOAD, used }), [
    'CPU of api1, throttled in 30 % of its periods',
    'CPU of nginx, throttled in 5 % of its periods',
    'memory of postgres, 91 of 100 MB',
  ]);
});

test('where the machine is the limit, the shares of the load and the processors are named', () => {
  const used = new Map([['nginx', usage({})]]);
  assert.deepEqual(whatRunsOut({ ...LOAD, used, machineCpuMs: 19_500 }), [
    'the machine: 98 % of 2 cores, the load generator 20 % of one and late by 1.0 ms, ' +
      'the processors 40 %',
  ]);
  assert.match(whatRunsOut({ ...LOAD, used, lateP99Ms: 8 }).join(), /^the machine: 60 %/);
  assert.match(whatRunsOut({ ...LOAD, used }).join(), /^neither/);
});
