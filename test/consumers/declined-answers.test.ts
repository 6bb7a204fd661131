// Operators see the latest answer to each payment that was declined, wherever it waits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PaymentStatuses } from '../../src/api/payment-status.ts';
import { idToText } from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const SLOTS = 50;
const idOf = (n: number): Uint32Array => Uint32Array.of(0, 0, 7, n);

test('a payment that was declined and is queued has its last answer, one that was not has none', async () => {
  const clock = new VirtualClock();
  let outcome: 'declined' | 'charged' = 'declined';
  const engine = loneEngine({
    sync: 'never',
    clock,
    slots: SLOTS,
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    charge: () => outcome,
    lookup: () => 'absent',
  });
  const ledger = { find: () => Promise.resolve([]) };
  const statuses = new PaymentStatuses({ instance: 0, engine, ledger, peers: [] });
  const held = (n: number): ReturnType<PaymentStatuses['held']> => statuses.held(idToText(idOf(n)));
  engine.recover(true);
  engine.start();
  await clock.advance(20);
  const all = Array.from({ length: SLOTS }, (_, n) => n);
  for (const n of all) assert.equal(engine.admission.admit(idOf(n), 1_990, false), 'accepted');
  await clock.advance(100);
  const found = all.map((n) => held(n)).filter((status) => status !== undefined);
  const queued = found.filter(({ state }) => state === 'queued');
  assert.ok(queued.some(({ attempts = 0 }) => attempts > 0));
  for (const { attempts = 0, lastAnswer } of found) {
    assert.equal(lastAnswer?.outcome, attempts > 0 ? 'declined' : undefined);
  }
  // The next payments in these slots were declined nowhere.
  outcome = 'charged';
  await clock.advance(60_000);
  assert.equal(engine.ring.used, 0);
  for (const n of all) engine.held.hold(idOf(100 + n), 1_990);
  for (const n of all) assert.equal(held(100 + n)?.lastAnswer, undefined);
});
