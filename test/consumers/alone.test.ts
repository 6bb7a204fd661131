// Payments that no processor takes, beside good ones: however they are answered, the good ones are
// charged as quickly as without them, and each bad one is in the log and in the status.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/engine.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { idToText, type Charge, type ProcessorIndex } from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { statusOf } from '../../src/api/status.ts';

const SLOTS = 12_000;
const BAD = 200;
const BAD_CENTS = 66_600;
const GOOD_PER_S = 100;
const GOOD_EVERY_MS = 1_000 / GOOD_PER_S;
const RUN_MS = 15_000;
/** "Seconds": from then on nobody may notice the bad ones. */
const SET_ASIDE_MS = 5_000;
const ANSWER_MS = 2;

type Bad = (clock: VirtualClock, timeoutMs: number) => Outcome | Promise<Outcome>;

const after = (clock: VirtualClock, ms: number, outcome: Outcome): Promise<Outcome> =>
  new Promise((resolve) => clock.after(ms, () => resolve(outcome)));

const KINDS: Readonly<Record<string, Bad>> = {
  'refused (400)': (clock) => after(clock, ANSWER_MS, 'refused'),
  'declined (500)': (clock) => after(clock, ANSWER_MS, 'declined'),
  'too much (429)': (clock) => after(clock, ANSWER_MS, 'busy'),
  'unclear (502, reset)': (clock) => after(clock, ANSWER_MS, 'unknown'),
  'without an answer': (clock, timeoutMs) => after(clock, timeoutMs, 'unknown'),
  'known already, which they are not (422)': (clock) => after(clock, ANSWER_MS, 'duplicate'),
};

interface Played {
  /** From its 202 to its charge, of each good payment that came after SET_ASIDE_MS. */
  readonly waitsMs: readonly number[];
  readonly charged: number;
  readonly posted: number;
  readonly logged: ReadonlySet<unknown>;
  readonly engine: Engine;
}

const idOf = (n: number): Uint32Array => Uint32Array.of(0, 0, 7, n);

/** `badPerGood`: more of them come with each good one. */
async function play(bad: Bad | undefined, badPerGood = 0): Promise<Played> {
  const clock = new VirtualClock();
  const postedAtMs = new Map<string, number>();
  const waitsMs: number[] = [];
  const logged = new Set<unknown>();
  let [charged, posted] = [0, 0];
  const charge = async (
    { correlationId, amountCents }: Charge,
    _: ProcessorIndex,
    timeoutMs: number,
  ): Promise<Outcome> => {
    if (bad !== undefined && amountCents === BAD_CENTS) return bad(clock, timeoutMs);
    const atMs = postedAtMs.get(correlationId) as number;
    await after(clock, ANSWER_MS, 'charged');
    if (atMs >= SET_ASIDE_MS) waitsMs.push(clock.elapsed() - atMs);
    charged++;
    return 'charged';
  };
  const engine = loneEngine({
    sync: 'never',
    clock,
    slots: SLOTS,
    settings: { CONSUMERS: '500' },
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    log: (_, details) => logged.add(details?.['correlationId']),
    charge,
    lookup: () => 'absent',
  });
  engine.recover(true);
  engine.start();
  await clock.advance(20);
  const beganMs = clock.elapsed();
  const bads = bad === undefined ? 0 : BAD;
  for (let n = 0; n < bads; n++) {
    assert.equal(engine.admission.admit(idOf(n), BAD_CENTS, false), 'accepted');
  }
  for (; clock.elapsed() - beganMs < RUN_MS; posted++) {
    const id = idOf(BAD + posted);
    postedAtMs.set(idToText(id), clock.elapsed());
    assert.equal(engine.admission.admit(id, 1_990, false), 'accepted');
    for (let n = 0; n < badPerGood; n++) {
      const badId = Uint32Array.of(0, n + 1, 8, posted);
      assert.equal(engine.admission.admit(badId, BAD_CENTS, false), 'accepted');
    }
    await clock.advance(GOOD_EVERY_MS);
  }
  await clock.advance(1_000);
  return { waitsMs, charged, posted, logged, engine };
}

function p99(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] as number;
}

const quiet = await play(undefined);

for (const [kind, bad] of Object.entries(KINDS)) {
  test(`200 payments that are ${kind} for ever delay nobody else`, async () => {
    const { waitsMs, charged, posted, logged, engine } = await play(bad);
    assert.equal(charged, posted, 'every good one is charged');
    assert.ok(p99(waitsMs) <= 2 * p99(quiet.waitsMs), `${p99(waitsMs)} ${p99(quiet.waitsMs)}`);
    const stuck = statusOf(engine)['stuck'] as readonly Record<string, unknown>[];
    const listed = new Set(stuck.map(({ correlationId }) => correlationId));
    for (let n = 0; n < BAD; n++) {
      const id = idToText(idOf(n));
      assert.ok(listed.has(id), `${id} is in the status`);
      assert.ok(logged.has(id), `${id} is in the log`);
    }
  });
}

// Without an answer each of them has a place under way until its time-out: so many at once are a
// load, whoever sends them.
for (const kind of Object.keys(KINDS).filter((name) => name !== 'without an answer')) {
  for (const badPerGood of [1, 3]) {
    test(`payments that are ${kind}, ${badPerGood} with each good one, delay nobody else`, async () => {
      const { waitsMs, charged, posted } = await play(KINDS[kind], badPerGood);
      assert.equal(charged, posted, 'every good one is charged');
      // A processor is taken for failing now and then, for some probes at most.
      const typical = waitsMs.toSorted((one, other) => one - other)[waitsMs.length >> 1] as number;
      assert.ok(typical <= 2 * p99(quiet.waitsMs), `half of them waited ${typical} ms and more`);
      assert.ok(p99(waitsMs) <= 100, `one in a hundred waited ${p99(waitsMs)} ms and more`);
    });
  }
}

test('in an idle system a payment is set aside after two failures, and charged when the outage ends', async () => {
  const clock = new VirtualClock();
  const events: string[] = [];
  let isAway = true;
  const engine = loneEngine({
    sync: 'never',
    clock,
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    slots: SLOTS,
    log: (event) => events.push(event),
    charge: () => (isAway ? 'declined' : 'charged'),
    lookup: () => 'absent',
  });
  engine.recover(true);
  engine.start();
  await clock.advance(20);
  assert.equal(engine.admission.admit(idOf(1), 1_990, false), 'accepted');
  await clock.advance(5);
  assert.deepEqual(
    events.filter((event) => /failed|aside|processor/.test(event)),
    ['attempt failed', 'payment set aside'],
  );
  isAway = false;
  await clock.advance(1_100);
  assert.equal(engine.attempts.ended[0].charged + engine.attempts.ended[1].charged, 1);
});
