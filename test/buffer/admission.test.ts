// Admission: what each payment is answered, and that an id is held once, whoever brings it and however the questions end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, type AdmissionParts, type Offered } from '../../src/buffer/admission.ts';
import { Intake } from '../../src/buffer/intake.ts';
import { Journal } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { SettledFilter } from '../../src/buffer/settled-filter.ts';
import { systemClock } from '../../src/clock.ts';
import { fileBytes, recoverFrom } from './held-model.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';

type Settled = number | 'absent' | 'unknown';

interface Bench {
  readonly admission: Admission;
  readonly intake: Intake;
  readonly ring: Ring;
  readonly settled: SettledFilter;
  readonly file: MemoryJournalFile;
  /** Where held payments went. */
  readonly went: string[];
  readonly broken: unknown[];
  /** Answers to the questions of the ledger, oldest first. */
  readonly questions: ((answer: Settled) => void)[];
}

const SLOTS = 4;

function setUp(instances = 1, changes: Partial<AdmissionParts> = {}): Bench {
  const ring = new Ring(SLOTS, 1);
  const file = new MemoryJournalFile(fileBytes(SLOTS));
  const journal = new Journal(file, ring, 'never');
  journal.format(1);
  const settled = new SettledFilter(1, 1);
  settled.complete = true;
  const went: string[] = [];
  const broken: unknown[] = [];
  const say = (event: string): unknown => broken.push(event);
  const questions: ((answer: Settled) => void)[] = [];
  const intake = new Intake({
    ring,
    journal,
    settled,
    clock: systemClock,
    instance: 0,
    instances,
    log: { info: say, warn: say, error: say },
  });
  const admission = new Admission({
    intake,
    instances,
    synced: () => undefined,
    settledCents: () => new Promise((resolve) => questions.push(resolve)),
    offer: () => Promise.resolve('away'),
    onClear: () => went.push('clear'),
    onUnverified: () => went.push('unverified'),
    onDoubtful: () => went.push('doubtful'),
    onForeign: () => went.push('foreign'),
    hasRoomForForeign: () => true,
    ...changes,
  });
  return { admission, intake, ring, settled, file, went, broken, questions };
}

const idOf = (n: number): Uint32Array => Uint32Array.of(7, 7, 7, n);

test('beyond the room for others a foreign payment is refused while its owner is away', async () => {
  const { admission, intake } = setUp(2, { hasRoomForForeign: () => false });
  assert.equal(await admission.admit(idOf(1), 1990, false), 'full');
  assert.equal(intake.accepted, 0);
});

test('a new id is held and on disk when it is accepted; the same again changes nothing', () => {
  const { admission, intake, file, went } = setUp();
  assert.equal(admission.admit(idOf(1), 1990, false), 'accepted');
  assert.equal(recoverFrom(file.cache, SLOTS).states.filter((state) => state !== 'free').length, 1);
  assert.equal(admission.admit(idOf(1), 1990, false), 'repeated');
  assert.equal(admission.admit(idOf(1), 1991, false), 'conflict');
  assert.deepEqual(went, ['clear']);
  assert.equal(intake.accepted, 1);
});

test('a full ring answers so until a payment is settled', () => {
  const { admission, intake, ring } = setUp();
  for (let n = 0; n < SLOTS; n++) assert.equal(admission.admit(idOf(n), 1, false), 'accepted');
  assert.equal(admission.admit(idOf(9), 1, false), 'full');
  assert.equal(admission.admit(idOf(0), 1, false), 'repeated');
  intake.forget(ring.find(idOf(0)));
  assert.equal(admission.admit(idOf(9), 1, false), 'accepted');
});

test('while it is closed nothing is held, and repeats are still known', () => {
  const { admission, intake } = setUp();
  assert.equal(admission.admit(idOf(1), 1, false), 'accepted');
  for (const [openTo, refusal] of [
    ['peers', 'purging'],
    ['purging', 'purging'],
    ['stopping', 'stopping'],
  ] as const) {
    intake.openTo = openTo;
    assert.equal(admission.admit(idOf(2), 1, false), refusal);
    assert.equal(admission.admit(idOf(1), 1, false), 'repeated');
  }
  assert.equal(admission.admit(idOf(2), 1, true), 'stopping');
  intake.openTo = 'purging';
  assert.equal(admission.admit(idOf(2), 1, true), 'purging');
  intake.openTo = 'peers';
  assert.equal(admission.admit(idOf(2), 1, true), 'accepted');
});

test('what is asked about when it closes is refused, and a foreign one is not passed on', async () => {
  const offers: string[] = [];
  const { admission, intake, settled, questions } = setUp(2, {
    offer: (_, correlationId) => {
      offers.push(correlationId);
      return Promise.resolve('accepted');
    },
  });
  settled.complete = false;
  const [own, foreign] = [Uint32Array.of(7, 7, 7, 2), Uint32Array.of(7, 7, 7, 1)];
  const asked = admission.admit(own, 1, false);
  intake.openTo = 'peers';
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
  const { admission, intake, ring, questions, went } = setUp();
  assert.equal(admission.admit(idOf(1), 1990, false), 'accepted');
  intake.forget(ring.find(idOf(1)));
  const same = admission.admit(idOf(1), 1990, false);
  const other = admission.admit(idOf(1), 5, false);
  for (const answer of questions) answer(1990);
  assert.equal(await same, 'repeated');
  assert.equal(await other, 'conflict');
  assert.deepEqual(went, ['clear']);
});

test('before all settled ids are loaded every id is asked about; without an answer it is verified later', async () => {
  const { admission, settled, questions, went } = setUp();
  settled.complete = false;
  const first = admission.admit(idOf(1), 1, false);
  const second = admission.admit(idOf(2), 1, false);
  questions[0]?.('absent');
  questions[1]?.('unknown');
  assert.deepEqual(await Promise.all([first, second]), ['accepted', 'accepted']);
  assert.deepEqual(went, ['clear', 'unverified']);
});

test('an id that several bring while it is asked about is held once', async () => {
  const { admission, settled, ring, questions } = setUp();
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
  const { admission, intake, settled, ring, questions, went } = setUp();
  settled.complete = false;
  const slow = admission.admit(idOf(1), 1990, false);
  settled.complete = true;
  assert.equal(admission.admit(idOf(1), 1990, false), 'accepted');
  intake.forget(ring.find(idOf(1)));
  questions[0]?.('absent');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.equal(questions.length, 2);
  questions[1]?.(1990);
  assert.equal(await slow, 'repeated');
  assert.deepEqual(went, ['clear']);
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
    assert.deepEqual(went, offered === 'away' ? ['foreign'] : []);
    assert.equal(admission.admit(idOf(2), 1, false), 'accepted');
    // One that is handed over is not handed on.
    assert.equal(admission.admit(idOf(3), 1, true), 'foreign');
  }
});

test('where the disk is waited for, accepted and repeated both wait, and a failed disk is no answer', async () => {
  const waits: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const { admission } = setUp(1, {
    synced: () => new Promise((resolve, reject) => waits.push({ resolve, reject })),
  });
  const first = admission.admit(idOf(1), 1, false);
  const again = admission.admit(idOf(1), 1, false);
  assert.ok(first instanceof Promise && again instanceof Promise);
  waits[0]?.resolve();
  assert.equal(await first, 'accepted');
  waits[1]?.reject(new Error('EIO'));
  await assert.rejects(again, /EIO/);
});
