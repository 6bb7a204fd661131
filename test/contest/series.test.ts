// A run over time: windows, the backlog, drifts, and what other programs did meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driftsOf } from '../../tools/contest/drift.ts';
import { verdictOf, type PaymentSample } from '../../tools/contest/run-log.ts';
import type { Sample } from '../../tools/contest/sampler.ts';
import { backlogAt, othersCpuMean, seriesOf, type Series } from '../../tools/contest/series.ts';

const START_MS = 1_795_000_000_000;

const payment = (id: string, atMs: number, durationMs: number, answer: string): PaymentSample => ({
  id,
  sentAtMs: START_MS + atMs,
  durationMs,
  answer,
  verdict: verdictOf(answer),
});

const sample = (atMs: number, charged: Sample['charged'], memoryMib = 50): Sample => ({
  atMs: START_MS + atMs,
  charged,
  usage: {
    'instance 0': { cpuPercent: 20, memoryBytes: memoryMib * 2 ** 20 },
    k6: { cpuPercent: 10, memoryBytes: 2 ** 20 },
  },
  machineCpuPercent: 90,
});

function seriesFrom(
  payments: readonly PaymentSample[],
  samples: readonly Sample[],
  unknownCharged: readonly string[] = [],
): Series {
  const times = { startMs: START_MS, durationMs: 60_000, unknownCharged: new Set(unknownCharged) };
  return seriesOf(payments, samples, times);
}

test('the backlog counts accepted payments from their answer, and unknown ones that were charged', () => {
  const payments = [
    payment('accepted', 0, 500, '202'),
    payment('charged all the same', 100, 1_500, '0:1050'),
    payment('never taken', 100, 1_500, '0:1050'),
    payment('refused', 200, 5, '503'),
  ];
  const samples = [
    sample(50, [0, 0]),
    sample(1_000, [0, 0]),
    sample(2_000, [1, 1]),
    sample(3_000, null),
  ];
  const { points } = seriesFrom(payments, samples, ['charged all the same']);
  assert.deepEqual(points.map(backlogAt), [0, 2, 0, null]);
});

test('a window has the percentiles of its accepted payments alone, and its errors by answer', () => {
  const { windows } = seriesFrom(
    [
      payment('a', 0, 1, '202'),
      payment('b', 999, 3, '202'),
      payment('c', 999, 1_500, '0:1050'),
      payment('d', 2_000, 7, '202'),
    ],
    [],
  );
  assert.deepEqual(
    windows.map(({ sent, accepted, failed, p50Ms }) => [sent, accepted, failed, p50Ms]),
    [
      [3, 2, { '0:1050': 1 }, 2],
      [0, 0, {}, null],
      [1, 1, {}, 7],
    ],
  );
});

test('a run of a day has no more windows than a graph can show', () => {
  const day = 86_400_000;
  const times = { startMs: START_MS, durationMs: day, unknownCharged: new Set<string>() };
  const { windows, everyMs } = seriesOf([payment('late', day - 1, 1, '202')], [], times);
  assert.equal(everyMs, 288_000);
  assert.equal(windows.length, 300);
});

test('others used what the machine was busy with beside the parts', () => {
  assert.equal(othersCpuMean(seriesFrom([], [sample(0, [0, 0]), sample(1_000, [0, 0])])), 60);
  assert.equal(othersCpuMean(seriesFrom([], [])), null);
});

/** Whether each figure of a soak of two minutes drifts, with this memory at each second. */
function driftsWith(memoryOf: (second: number) => number): boolean[] {
  const samples = Array.from({ length: 120 }, (_, second) =>
    sample(second * 1_000, [0, 0], memoryOf(second)),
  );
  return driftsOf(seriesFrom([], samples)).map(({ isDrift }) => isDrift);
}

test('memory that grows through a soak is a drift; what wavers is none', () => {
  assert.deepEqual(
    driftsWith((second) => 50 + second),
    [true],
  );
  assert.deepEqual(
    driftsWith((second) => 50 + (second % 7)),
    [false],
  );
});

test('a run that is too short drifts in nothing', () => {
  assert.deepEqual(driftsOf(seriesFrom([], [sample(0, [0, 0])])), []);
});
