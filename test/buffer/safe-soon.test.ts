// An answer waits for a sync, but not for ever: at the bound it says that it isn't known, and
// nothing more is taken until that sync has ended.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SafeSoon } from '../../src/buffer/safe-soon.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

interface Sync {
  readonly synced: Promise<void>;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

function makeSync(): Sync {
  let end!: () => void;
  let fail!: (error: Error) => void;
  const synced = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { synced, end, fail };
}

function make() {
  const clock = new VirtualClock();
  const events: string[] = [];
  const say = (event: string): void => void events.push(event);
  const log = { info: say, warn: say, error: say };
  const onFatal = (error: unknown): void => say(`fatal: ${(error as Error).message}`);
  return { clock, events, safeSoon: new SafeSoon({ clock, log, onFatal }) };
}

test('a sync in time is safe for all who wait for it', async () => {
  const { clock, events, safeSoon } = make();
  const { synced, end } = makeSync();
  const answers = [safeSoon.of(synced), safeSoon.of(synced)];
  await clock.advance(500);
  end();
  assert.deepEqual(await Promise.all(answers), [true, true]);
  await clock.advance(5_000);
  assert.equal(safeSoon.isLate, false);
  assert.deepEqual(events, []);
});

test('a late sync is not safe, and bars the way until it and all that are later have ended', async () => {
  const { clock, events, safeSoon } = make();
  const [first, second] = [makeSync(), makeSync()];
  const answer = safeSoon.of(first.synced);
  await clock.advance(600);
  const later = safeSoon.of(second.synced);
  assert.equal(safeSoon.isLate, false);
  await clock.advance(200);
  assert.equal(await answer, false);
  assert.equal(safeSoon.isLate, true);
  await clock.advance(600);
  assert.equal(await later, false);
  first.end();
  await clock.advance(1);
  assert.equal(safeSoon.isLate, true);
  second.end();
  await clock.advance(1);
  assert.equal(safeSoon.isLate, false);
  assert.deepEqual(events, ['journal is late', 'journal is in time again']);
});

test('a sync that ended while the process stood still is in time', async () => {
  const { clock, events, safeSoon } = make();
  const { synced, end } = makeSync();
  const answer = safeSoon.of(synced);
  // Its end is read after the timers that are due, in the same turn.
  clock.soon = (callback) => {
    end();
    setImmediate(callback);
  };
  await clock.advance(2_000);
  assert.equal(await answer, true);
  assert.deepEqual(events, []);
});

test('a sync that fails after the bound is fatal, although nobody waits any more', async () => {
  const { clock, events, safeSoon } = make();
  const { synced, fail } = makeSync();
  const answer = safeSoon.of(synced);
  await clock.advance(800);
  assert.equal(await answer, false);
  fail(new Error('EIO'));
  await clock.advance(1);
  assert.deepEqual(events, ['journal is late', 'fatal: EIO']);
});

test('a sync that fails fails for those who wait', async () => {
  const { safeSoon } = make();
  const { synced, fail } = makeSync();
  const answer = safeSoon.of(synced);
  fail(new Error('EIO'));
  await assert.rejects(answer, /EIO/);
});
