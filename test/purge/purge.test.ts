// A purge step by step, with a ledger and other instances that do as they are told: who is open when, and who forgets.

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
}

function setUp(followers: readonly PurgeParts['others'][number][] = []): Bench {
  const clock = new VirtualClock();
  const steps: string[] = [];
  const ledger: Bench['ledger'] = { lock: 'free', empties: true };
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
  return { purge, clock, steps, engine, ledger };
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

test('all hold still before any freezes, the ledger is emptied before any forgets, and then all are open', async () => {
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
  test(`an instance that can't ${refused} ends the purge, and what is not purged goes on`, async () => {
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

test('a ledger that is not emptied leaves everything as it was', async () => {
  const { purge, steps, engine, ledger, clock } = setUp();
  ledger.empties = false;
  await assert.rejects(purge.lead(), /not empty/);
  assert.ok(!steps.includes('forget'));
  await clock.advance(2 * ASK_MS);
  assert.ok(engine.takes && engine.sends);
});

test('while there is another one, a purge changes nothing', async () => {
  const { purge, steps, ledger } = setUp();
  ledger.lock = 'held';
  assert.equal(await purge.lead(), 'busy');
  assert.deepEqual(steps, []);
});

test('what stays under way is waited for, and not for ever', async () => {
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

test('one that hears no more opens as soon as the purge is over, and forgets nothing for it later', async () => {
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

test('while the ledger can not be asked nothing is sent, but payments are taken after a while', async () => {
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

test('one that comes up takes payments, and sends none while there is a purge that it has no part in', async () => {
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

test('one that has just come up and waits can take part in the next purge', async () => {
  const { purge, clock, engine, ledger } = setUp();
  ledger.lock = 'held';
  purge.openWhenOver();
  assert.equal(await purge.holdStill('1'), true);
  assert.equal(purge.freeze('1'), true);
  await clock.advance(ASK_MS);
  assert.equal(await purge.forget('1'), true);
  assert.ok(engine.takes && engine.sends);
});

test('one whose disk takes longer than the purge stays closed for the next one', async () => {
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

test('a purge that comes after another one is the one that counts', async () => {
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
