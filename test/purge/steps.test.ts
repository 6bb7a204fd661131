// A purge step by step, with a ledger and peers that do as the test says: who is open when, and who
// empties its ring.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { Purge, type PurgeParts } from '../../src/purge.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const ASK_MS = 50;
const STILL_MS = 10_000;
const CLOSED_MAX_MS = 30_000;

interface Bench {
  readonly purge: Purge;
  readonly clock: VirtualClock;
  /** What was done, in order. */
  readonly steps: string[];
  readonly engine: { isStill: boolean; forgets: Promise<void>; takes: boolean; sends: boolean };
  readonly ledger: { lock: 'free' | 'held' | 'not to be asked'; empties: boolean };
  /** Whether no other process has followed this one. */
  readonly lease: { isOurs: boolean };
}

function setUp(followers: readonly PurgeParts['others'][number][] = []): Bench {
  const clock = new VirtualClock();
  const steps: string[] = [];
  const ledger: Bench['ledger'] = { lock: 'free', empties: true };
  const lease = { isOurs: true };
  const engine = {
    isStill: true,
    forgets: Promise.resolve(),
    takes: true,
    sends: true,
    holdStill: () => {
      steps.push('hold still');
      engine.takes = false;
      engine.sends = false;
    },
    freeze: () => steps.push('freeze'),
    forget: async () => {
      steps.push('forget');
      await engine.forgets;
    },
    takeAgain: () => {
      engine.takes = true;
    },
    sendAgain: () => {
      engine.sends = true;
    },
  };
  const purge = new Purge({
    clock,
    engine,
    isOurs: async () => lease.isOurs,
    begin: async () => {
      if (ledger.lock !== 'free') return 'busy';
      ledger.lock = 'held';
      return {
        empty: async () => {
          steps.push('empty the ledger');
          if (!ledger.empties) throw new Error('the ledger is not empty');
        },
        end: async () => {
          ledger.lock = 'free';
        },
      };
    },
    isUnderWay: async () => {
      if (ledger.lock === 'not to be asked') throw new Error('no ledger');
      return ledger.lock === 'held';
    },
    others: followers,
  });
  return { purge, clock, steps, engine, ledger, lease };
}

const follower = (
  steps: string[],
  obeys: (step: string) => boolean,
): PurgeParts['others'][number] => {
  const obey = async (step: string): Promise<boolean> => {
    steps.push(`other: ${step}`);
    return obeys(step);
  };
  return {
    holdStill: () => obey('hold still'),
    freeze: () => obey('freeze'),
    forget: () => obey('forget'),
  };
};

test('all instances hold still before any freezes, the ledger is emptied before any ring, and then all are open', async () => {
  const others: string[] = [];
  const { purge, steps, engine, ledger, clock } = setUp([follower(others, () => true)]);
  assert.equal(await purge.lead(), 'purged');
  assert.deepEqual(steps, ['hold still', 'freeze', 'empty the ledger', 'forget']);
  assert.deepEqual(others, ['other: hold still', 'other: freeze', 'other: forget']);
  assert.equal(ledger.lock, 'free');
  assert.ok(engine.takes && engine.sends);
  await clock.advance(ASK_MS);
  assert.equal(clock.timers, 0);
});

for (const refused of ['hold still', 'freeze', 'forget']) {
  test(`a purge fails when an instance can't ${refused}, and every instance opens again`, async () => {
    const others = follower([], (step) => step !== refused);
    const { purge, steps, engine, ledger, clock } = setUp([others]);
    await assert.rejects(purge.lead(), new RegExp(`could ${refused}`));
    assert.equal(steps.includes('empty the ledger'), refused === 'forget');
    assert.equal(steps.includes('forget'), refused === 'forget');
    assert.equal(ledger.lock, 'free');
    await clock.advance(2 * ASK_MS);
    assert.ok(engine.takes && engine.sends);
  });
}

test('a process that another one has followed purges nothing, and obeys no purge', async () => {
  const { purge, steps, lease } = setUp();
  lease.isOurs = false;
  await assert.rejects(purge.lead(), /could hold still/);
  assert.deepEqual(steps, ['hold still']);
  assert.equal(await purge.holdStill('another'), false);
});

test('when the ledger is not emptied, no ring is', async () => {
  const { purge, steps, engine, ledger, clock } = setUp();
  ledger.empties = false;
  await assert.rejects(purge.lead(), /not empty/);
  assert.ok(!steps.includes('forget'));
  await clock.advance(2 * ASK_MS);
  assert.ok(engine.takes && engine.sends);
});

test('a purge during another one changes nothing', async () => {
  const { purge, steps, ledger } = setUp();
  ledger.lock = 'held';
  assert.equal(await purge.lead(), 'busy');
  assert.deepEqual(steps, []);
});

test('holding still waits for attempts under way, but not for ever', async () => {
  const { purge, clock, engine, ledger } = setUp();
  ledger.lock = 'held';
  engine.isStill = false;
  const first = purge.holdStill('1');
  await clock.advance(STILL_MS + ASK_MS);
  assert.equal(await first, false);
  const second = purge.holdStill('1');
  await clock.advance(STILL_MS / 2);
  engine.isStill = true;
  await clock.advance(ASK_MS);
  assert.equal(await second, true);
});

test('an instance that gets no further word opens when the purge is over, and does not empty its ring for it later', async () => {
  const { purge, clock, steps, engine, ledger } = setUp();
  ledger.lock = 'held';
  assert.equal(await purge.holdStill('1'), true);
  assert.equal(purge.freeze('1'), true);
  await clock.advance(CLOSED_MAX_MS / 2);
  assert.ok(!engine.takes && !engine.sends);
  ledger.lock = 'free';
  await clock.advance(ASK_MS);
  assert.ok(engine.takes && engine.sends);
  assert.equal(await purge.forget('1'), false);
  assert.equal(purge.freeze('1'), false);
  assert.deepEqual(steps, ['hold still', 'freeze']);
});

test('while the ledger does not answer nothing is sent, but payments are accepted after a while', async () => {
  const { purge, clock, steps, engine, ledger } = setUp();
  ledger.lock = 'not to be asked';
  await purge.holdStill('1');
  await clock.advance(CLOSED_MAX_MS - ASK_MS);
  assert.ok(!engine.takes);
  await clock.advance(3 * ASK_MS);
  assert.ok(engine.takes && !engine.sends);
  assert.equal(await purge.forget('1'), false, 'it has taken payments since');
  await clock.advance(CLOSED_MAX_MS);
  assert.ok(!engine.sends);
  ledger.lock = 'free';
  await clock.advance(2 * ASK_MS);
  assert.ok(engine.sends);
  assert.ok(!steps.includes('forget'));
});

test('an instance that starts during a purge accepts payments, and sends none until the purge is over', async () => {
  const { purge, clock, steps, engine, ledger } = setUp();
  ledger.lock = 'held';
  purge.openWhenOver();
  await clock.advance(CLOSED_MAX_MS);
  assert.ok(engine.takes && !engine.sends);
  assert.equal(await purge.forget('1'), false);
  ledger.lock = 'free';
  await clock.advance(ASK_MS);
  assert.ok(engine.takes && engine.sends);
  assert.deepEqual(steps, ['hold still']);
  assert.equal(clock.timers, 0);
});

test('an instance that has just started and waits can take part in the next purge', async () => {
  const { purge, clock, engine, ledger } = setUp();
  ledger.lock = 'held';
  purge.openWhenOver();
  assert.equal(await purge.holdStill('1'), true);
  assert.equal(purge.freeze('1'), true);
  await clock.advance(ASK_MS);
  assert.equal(await purge.forget('1'), true);
  assert.ok(engine.takes && engine.sends);
});

test('an instance whose disk takes longer than the purge stays closed for the next purge', async () => {
  const { purge, clock, engine, ledger } = setUp();
  ledger.lock = 'held';
  await purge.holdStill('1');
  const disk = new EventEmitter();
  engine.forgets = once(disk, 'written').then(() => {});
  const forgotten = purge.forget('1');
  ledger.lock = 'free';
  await clock.advance(2 * ASK_MS);
  assert.ok(engine.takes && engine.sends);
  ledger.lock = 'held';
  assert.equal(await purge.holdStill('2'), true);
  assert.equal(purge.freeze('2'), true);
  disk.emit('written');
  await forgotten;
  assert.ok(!engine.takes && !engine.sends);
  assert.equal(await purge.forget('2'), true);
  assert.ok(engine.takes && engine.sends);
});

test('of two purges the later one counts', async () => {
  const { purge, clock, steps, engine, ledger } = setUp();
  ledger.lock = 'held';
  engine.isStill = false;
  const first = purge.holdStill('1');
  const second = purge.holdStill('2');
  engine.isStill = true;
  await clock.advance(ASK_MS);
  assert.equal(await first, false);
  assert.equal(await second, true);
  assert.equal(await purge.forget('1'), false);
  assert.equal(await purge.forget('2'), true);
  assert.deepEqual(steps, ['hold still', 'hold still', 'forget']);
});
