// Percentiles out of buckets, and the history that the snapshot shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../src/histogram.ts';
import { History } from '../../src/snapshot/history.ts';
import { mergeHistories } from '../../src/snapshot/merge-histories.ts';
import { percentilesMs } from '../../src/snapshot/percentiles.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

test('percentiles are those of the bucket, and null of nothing', () => {
  const histogram = new Histogram();
  const { bounds, counts } = histogram;
  assert.equal(percentilesMs(bounds, counts), null);
  for (let n = 0; n < 99; n++) histogram.observeMs(1.5);
  histogram.observeMs(400);
  const found = percentilesMs(bounds, counts);
  assert.ok(found && found.p50 > 1 && found.p50 < 2 && found.p99 <= 2, JSON.stringify(found));
  for (let n = 0; n < 900; n++) histogram.observeMs(60_000);
  assert.equal(percentilesMs(bounds, counts)?.p99, 30_000, 'beyond the last bound');
});

test('the history has ten minutes, the newest second last, and a purge is no negative rate', async () => {
  const clock = new VirtualClock();
  const engine = loneEngine({ sync: 'never', clock, file: new MemoryJournalFile(fileBytes(5)) });
  const history = new History(engine, clock);
  assert.deepEqual(history.table(600).seconds, []);
  history.start();
  assert.equal(history.percentiles('settle', 60), null);
  engine.admission.answers.full = 5;
  engine.held.accepted = 30;
  engine.held.settleDurations.observeMs(7);
  await clock.advance(1_000);
  const { seconds, columns } = history.table(600);
  assert.equal(seconds.length, 1);
  assert.deepEqual(columns['accepted'], [30]);
  assert.deepEqual(columns['refused'], [5]);
  assert.ok((columns['settle p50']?.[0] ?? 0) > 5);
  engine.held.accepted = 0;
  await clock.advance(700_000);
  const later = history.table(600);
  assert.equal(later.seconds.length, 600);
  assert.equal(later.seconds.at(-1), Math.floor(clock.now() / 1_000));
  assert.ok(later.columns['accepted']?.every((rate) => rate === 0));
  assert.equal(later.columns['settle p50']?.at(-1), null);
  assert.equal(history.table(5).seconds.length, 5);
});

test('histories are added second by second; of percentiles and failures the largest counts', () => {
  const merged = mergeHistories([
    {
      seconds: [1, 2],
      columns: { accepted: [10, 20], 'settle p99': [5, null], 'failing default': [0, 1] },
    },
    {
      seconds: [2, 3],
      columns: { accepted: [1, 2], 'settle p99': [7, 8], 'failing default': [0, 0] },
    },
  ]);
  assert.deepEqual(merged, {
    seconds: [1, 2, 3],
    columns: { accepted: [10, 21, 2], 'settle p99': [5, 7, 8], 'failing default': [0, 1, 0] },
  });
});
