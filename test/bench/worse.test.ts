// The history of bench:contest, and when it calls a change worse.

import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { appendRun, readHistory, type HistoryRun } from '../../bench/contest/history.ts';
import { leastChance, rankTest } from '../../bench/contest/rank-test.ts';
import { compareWithHistory, type Compared } from '../../bench/contest/worse.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';

interface Series {
  readonly commit: string;
  readonly p99Ms: readonly number[];
  readonly floor?: readonly number[];
  readonly more?: Partial<HistoryRun>;
}

let hour = 0;

function seriesOf({ commit, p99Ms, floor = [], more = {} }: Series): HistoryRun[] {
  const series = `2026-11-26T${String(hour++).padStart(2, '0')}:00:00.000Z`;
  const run = (arm: string, value: number, index: number): HistoryRun => ({
    format: 1,
    series,
    round: index + 1,
    commit,
    isDirty: false,
    test: 'preview',
    arm,
    machine: 'one',
    figures: {
      p99Ms: value,
      paymentsP99Ms: 2,
      cpuMsPerPayment: 0.5,
      throttledMs: 0,
      memoryMib: 190,
      score: 360_000,
    },
    loadAverage: 0,
    othersPercent: 0,
    stealPercent: 0,
    disturbed: [],
    ...more,
  });
  return [
    ...p99Ms.map((value, index) => run(more.arm ?? 'ours', value, index)),
    ...floor.map((value, index) => ({ ...run('floor', value, index), arm: 'floor' })),
  ];
}

function p99Of(...all: HistoryRun[][]): Compared | undefined {
  const history = all.flat();
  const series = history.at(-1)?.series ?? '';
  const compared = compareWithHistory(history, { series, arm: 'ours' });
  return typeof compared === 'string' ? undefined : compared[0];
}

const OLD = { commit: 'a', p99Ms: [2.0, 2.1, 2.2, 2.3, 2.4] };

test('a p99 beyond all of the commit before is worse, one below them all is better', () => {
  const worse = p99Of(seriesOf(OLD), seriesOf({ commit: 'b', p99Ms: [2.5, 2.6, 2.7, 2.8, 2.9] }));
  assert.equal(worse?.verdict, 'worse beyond the noise');
  assert.deepEqual([worse?.before, worse?.now, worse?.commit], [2.2, 2.7, 'a']);
  const better = p99Of(seriesOf(OLD), seriesOf({ commit: 'b', p99Ms: [1.5, 1.6, 1.7, 1.8, 1.9] }));
  assert.equal(better?.verdict, 'better beyond the noise');
});

test('values among those before are noise, and so is one outlier', () => {
  const noise = p99Of(seriesOf(OLD), seriesOf({ commit: 'b', p99Ms: [2.1, 2.2, 2.3, 2.4, 9] }));
  assert.equal(noise?.verdict, 'within the noise');
});

test('three rounds are too few to tell', () => {
  const few = p99Of(
    seriesOf({ ...OLD, p99Ms: [2, 2.1, 2.2] }),
    seriesOf({ commit: 'b', p99Ms: [8, 9, 10] }),
  );
  assert.equal(few?.verdict, 'too few runs to tell');
});

test('what two series of one commit differ by is noise, however sure the rank test is', () => {
  const again = seriesOf({ commit: 'a', p99Ms: [2.5, 2.6, 2.7, 2.8, 2.9] });
  const now = p99Of(
    seriesOf(OLD),
    again,
    seriesOf({ commit: 'b', p99Ms: [2.91, 2.92, 2.93, 2.94, 2.95] }),
  );
  assert.ok((now?.noise ?? 0) > 0.2, 'from 2.2 to 2.7');
  assert.equal(now?.verdict, 'within the noise');
  assert.deepEqual(now?.runs, [10, 5]);
});

test('with a floor in each round its ratio counts: a slower hour is not a worse commit', () => {
  const slowHour = {
    commit: 'b',
    p99Ms: [4.0, 4.2, 4.4, 4.6, 4.8],
    floor: [3.6, 3.6, 3.6, 3.6, 3.6],
  };
  const now = p99Of(seriesOf({ ...OLD, floor: [1.8, 1.8, 1.8, 1.8, 1.8] }), seriesOf(slowHour));
  assert.equal(now?.figure, 'p99 ms ÷ floor');
  assert.equal(now?.verdict, 'within the noise');
});

test('a score that falls is worse', () => {
  const old = seriesOf(OLD);
  const low = seriesOf({ commit: 'b', p99Ms: OLD.p99Ms }).map((run) => ({
    ...run,
    figures: { ...run.figures, score: 350_000 + run.round },
  }));
  const history = [...old, ...low];
  const compared = compareWithHistory(history, { series: low[0]?.series ?? '', arm: 'ours' });
  assert.ok(typeof compared !== 'string');
  const score = compared.find(({ figure }) => figure === 'score');
  assert.equal(score?.verdict, 'worse beyond the noise');
});

const SLOWER = [2.5, 2.6, 2.7, 2.8, 2.9];

test('disturbed runs, other machines and other tests are not compared, nor changed files a before', () => {
  for (const more of [
    { disturbed: ['busy'] },
    { machine: 'two' },
    { test: 'final' },
    { isDirty: true },
  ]) {
    const old = seriesOf({ ...OLD, more });
    assert.equal(p99Of(old, seriesOf({ commit: 'c', p99Ms: SLOWER })), undefined);
  }
});

test('changed files are compared with their own commit', () => {
  const old = seriesOf(OLD);
  const changed = seriesOf({ commit: 'a', p99Ms: SLOWER, more: { isDirty: true } });
  assert.equal(p99Of(old, changed)?.verdict, 'worse beyond the noise');
});

test('where every run was disturbed, nothing is compared', () => {
  const old = seriesOf(OLD);
  const now = seriesOf({ commit: 'b', p99Ms: SLOWER, more: { disturbed: ['busy'] } });
  const series = now[0]?.series ?? '';
  const compared = compareWithHistory([...old, ...now], { series, arm: 'ours' });
  assert.equal(compared, 'every run was disturbed, so nothing is compared');
});

test('the rank test is exact', () => {
  assert.equal(rankTest([1, 2, 3], [4, 5, 6]), 2 / 20);
  assert.equal(leastChance(5, 5), 2 / 252);
  assert.equal(rankTest([1, 1, 1], [1, 1, 1]), 1);
  assert.equal(rankTest([1, 3], [2, 4]), (2 * 2) / 6);
});

test('a history is read back as it was written, and a line that is no run is named', () => {
  const path = join(makeTempDirectory(), 'history.jsonl');
  assert.deepEqual(readHistory(path), []);
  const runs = seriesOf(OLD);
  for (const run of runs) appendRun(path, run);
  assert.deepEqual(readHistory(path), runs);
  appendFileSync(path, '{"format":2}\n');
  assert.throws(() => readHistory(path), /history\.jsonl, line 6: no run of format 1/);
  writeFileSync(path, 'null\n');
  assert.throws(() => readHistory(path), /line 1/);
});
