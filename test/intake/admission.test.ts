// Admission: each payment's answer; and an id is held once, whoever brings it and however the
// ledger answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import type { Dispatcher } from '../../src/consumers/dispatcher.ts';
import { Admission } from '../../src/intake/admission.ts';
import type { HandOvers } from '../../src/intake/hand-over.ts';
import type { InDoubt } from '../../src/intake/in-doubt.ts';
import type { Verifier } from '../../src/intake/verifier.ts';
import type { SettledLookup } from '../../src/ledger/settled-lookup.ts';
import type { Offered, Ports } from '../../src/ports.ts';
import { makeHeld } from '../buffer/held-fixture.ts';
import { recoverFrom } from '../buffer/held-model.ts';

type Settled = number | 'absent' | 'unknown';

const SLOTS = 4;

interface Changes {
  readonly offer?: Ports['offer'];
  readonly hasRoomForForeign?: boolean;
  readonly sync?: 'always';
}

function setUp(instances = 1, changes: Changes = {}) {
  const { offer = () => Promise.resolve('away' as const), hasRoomForForeign = true } = changes;
  const broken: unknown[] = [];
  const say = (event: string): unknown => broken.push(event);
  const log = { info: say, warn: say, error: say };
  const { sync = 'never' } = changes;
  const world = makeHeld({ clock: systemClock, log, slots: SLOTS, sync, onFatal: () => {} });
  /** Where held payments went. */
  const went: string[] = [];
  /** Answers to the questions of the ledger, oldest first. */
  const questions: ((answer: Settled) => void)[] = [];
  const stage = (name: string) => ({ add: () => went.push(name), hasRoomBeside: () => true });
  const admission = new Admission({
    ...world,
    config: { LEDGER_DURABILITY: 'warn' },
    instance: 0,
    instances,
    lookup: {
      cents: () => new Promise((resolve) => questions.push(resolve)),
    } as unknown as SettledLookup,
    dispatcher: { enqueue: () => went.push('queue') } as unknown as Dispatcher,
    verifier: stage('verifier') as unknown as Verifier,
    inDoubt: stage('in doubt') as unknown as InDoubt,
    handOvers: {
      ...stage('hand-over'),
      hasRoomBeside: () => hasRoomForForeign,
      offer,
    } as unknown as HandOvers,
  });
  return { ...world, admission, went, broken, questions };
}

const idOf = (n: number): Uint32Array => Uint32Array.of(7, 7, 7, n);

test('beyond the room for others a foreign payment is refused while its owner is away', async () => {
  const { admission, held } = setUp(2, { hasRoomForForeign: false });
  assert.equal(await admission.admit(idOf(1), 1990, false), 'full');
  assert.equal(held.accepted, 0);
});

test('a new id is held and on disk when it is accepted; the same again changes nothing', () => {
  const { admission, held, file, went } = setUp();
  assert.equal(admission.admit(idOf(1), 1990, false), 'accepted');
  assert.equal(recoverFrom(file.cache, SLOTS).states.filter((state) => state !== 'free').length, 1);
  assert.equal(admission.admit(idOf(1), 1990, false), 'repeated');
  assert.equal(admission.admit(idOf(1), 1991, false), 'conflict');
  assert.deepEqual(went, ['queue']);
  assert.equal(held.accepted, 1);
});

test('a full ring answers so until a payment is settled', () => {
  const { admission, held, ring } = setUp();
  for (let n = 0; n < SLOTS; n++) assert.equal(admission.admit(idOf(n), 1, false), 'accepted');
  assert.equal(admission.admit(idOf(9), 1, false), 'full');
  assert.equal(admission.admit(idOf(0), 1, false), 'repeated');
  held.release(ring.find(idOf(0)), 1990);
  assert.equal(admission.admit(idOf(9), 1, false), 'accepted');
});

test('while intake is closed nothing is held, and repeats are still known', () => {
  const { admission } = setUp();
  assert.equal(admission.admit(idOf(1), 1, false), 'accepted');
  for (const [openTo, refusal] of [
    ['peers', 'purging'],
    ['purging', 'purging'],
    ['stopping', 'stopping'],
  ] as const) {
    admission.openTo = openTo;
    assert.equal(admission.admit(idOf(2), 1, false), refusal);
    assert.equal(admission.admit(idOf(1), 1, false), 'repeated');
  }
  assert.equal(admission.admit(idOf(2), 1, true), 'stopping');
  admission.openTo = 'purging';
  assert.equal(admission.admit(idOf(2), 1, true), 'purging');
  admission.openTo = 'peers';
  assert.equal(admission.admit(idOf(2), 1, true), 'accepted');
});

test("a payment that the ledger is asked about when intake closes is refused, and another instance's is not handed over", async () => {
  const offers: string[] = [];
  const {
    admission,
    settledIds: settled,
    questions,
  } = setUp(2, {
    offer: (_, correlationId) => {
      offers.push(correlationId);
      return Promise.resolve('accepted');
    },
  });
  settled.complete = false;
  const [own, foreign] = [Uint32Array.of(7, 7, 7, 2), Uint32Array.of(7, 7, 7, 1)];
  const asked = admission.admit(own, 1, false);
  admission.openTo = 'peers';
  questions[0]?.('absent');
  assert.equal(await asked, 'purging');
  assert.equal(await admission.admit(foreign, 1, false), 'purging');
  assert.deepEqual(offers, []);
});

test('a payment that the journal does not take is not held', () => {
  const { admission, ring, file, went, broken } = setUp();
  file.tearAfter = 20;
  assert.equal(admission.admit(idOf(1), 1, false), 'broken');
  assert.equal(ring.free, SLOTS);
  assert.deepEqual(went, []);
  assert.deepEqual(broken, ['journal fails']);
  file.tearAfter = undefined;
  assert.equal(admission.admit(idOf(1), 1, false), 'accepted');
});

test('a refused payment that is on the disk all the same is gone from it before another is held', () => {
  const { admission, ring, file, broken } = setUp();
  const held = (): string[] => recoverFrom(file.cache, SLOTS).states.filter((of) => of !== 'free');
  file.tearAfter = 64;
  assert.equal(admission.admit(idOf(1), 1, false), 'broken');
  assert.equal(held().length, 1);
  file.tearAfter = 20;
  assert.equal(admission.admit(idOf(1), 2, false), 'broken');
  assert.equal(ring.free, SLOTS);
  file.tearAfter = undefined;
  assert.equal(admission.admit(idOf(1), 3, false), 'accepted');
  assert.deepEqual(broken, ['journal fails', 'journal works again']);
  assert.deepEqual(
    held().map((of) => of.split(' ')[1]),
    ['3'],
  );
});

test('an id that was settled is asked about: the ledger knows its amount', async () => {
  const { admission, held, ring, questions, went } = setUp();
  assert.equal(admission.admit(idOf(1), 1990, false), 'accepted');
  held.release(ring.find(idOf(1)), 1990);
  const same = admission.admit(idOf(1), 1990, false);
  const other = admission.admit(idOf(1), 5, false);
  for (const answer of questions) answer(1990);
  assert.equal(await same, 'repeated');
  assert.equal(await other, 'conflict');
  assert.deepEqual(went, ['queue']);
});

test('before all settled ids are loaded every id is asked about; without an answer it is verified later', async () => {
  const { admission, settledIds: settled, questions, went } = setUp();
  settled.complete = false;
  const first = admission.admit(idOf(1), 1, false);
  const second = admission.admit(idOf(2), 1, false);
  questions[0]?.('absent');
  questions[1]?.('unknown');
  assert.deepEqual(await Promise.all([first, second]), ['accepted', 'accepted']);
  assert.deepEqual(went, ['queue', 'verifier']);
});

test('an id that comes several times while the ledger is asked about it is held once', async () => {
  const { admission, settledIds: settled, ring, questions } = setUp();
  settled.complete = false;
  const bytes = idOf(1);
  const all = [1, 2, 3].map(async () => admission.admit(bytes, 1, false));
  const other = admission.admit(bytes, 2, false);
  // The reader of requests uses its words again at once.
  bytes.fill(0);
  for (const answer of questions) answer('absent');
  assert.deepEqual(await Promise.all(all), ['accepted', 'repeated', 'repeated']);
  assert.equal(await other, 'conflict');
  assert.equal(ring.free, SLOTS - 1);
  assert.ok(ring.find(idOf(1)) >= 0);
});

test('an answer that is older than the settling of the same id is not believed', async () => {
  const { admission, held, settledIds: settled, ring, questions, went } = setUp();
  settled.complete = false;
  const slow = admission.admit(idOf(1), 1990, false);
  settled.complete = true;
  assert.equal(admission.admit(idOf(1), 1990, false), 'accepted');
  held.release(ring.find(idOf(1)), 1990);
  questions[0]?.('absent');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.equal(questions.length, 2);
  questions[1]?.(1990);
  assert.equal(await slow, 'repeated');
  assert.deepEqual(went, ['queue']);
});

test("another instance's payment gets its owner's answer, or is kept for it while it is away", async () => {
  for (const [offered, answer] of [
    ['accepted', 'accepted'],
    ['conflict', 'conflict'],
    ['away', 'accepted'],
  ] as const satisfies (readonly [Offered, string])[]) {
    const offers: unknown[] = [];
    const { admission, went } = setUp(2, {
      offer: (...offer) => {
        offers.push(offer);
        return Promise.resolve(offered);
      },
    });
    assert.equal(await admission.admit(idOf(1), 1990, false), answer);
    assert.deepEqual(offers, [[1, '00000007-0000-0007-0000-000700000001', 1990]]);
    assert.deepEqual(went, offered === 'away' ? ['hand-over'] : []);
    assert.equal(admission.admit(idOf(2), 1, false), 'accepted');
    // One that is handed over is not handed on.
    assert.equal(admission.admit(idOf(3), 1, true), 'foreign');
  }
});

test('where the disk is waited for, each answer about a held payment waits, and a failed disk is no answer', async () => {
  const { admission, file } = setUp(1, { sync: 'always' });
  const first = admission.admit(idOf(1), 1, false);
  const again = admission.admit(idOf(1), 1, false);
  const other = admission.admit(idOf(1), 2, false);
  assert.ok(first instanceof Promise && again instanceof Promise && other instanceof Promise);
  assert.equal(file.syncing, 1);
  file.endSync();
  assert.equal(await first, 'accepted');
  await new Promise((resolve) => setImmediate(resolve));
  file.endSync(new Error('EIO'));
  await assert.rejects(again, /EIO/);
  await assert.rejects(other, /EIO/);
});
