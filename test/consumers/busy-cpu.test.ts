// An engine whose process uses more CPU than a drain may, and less than there is: what comes in is
// sent, also where a processor declines each payment at first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const SLOTS = 5_000;
const PER_S = 200;
const RUN_MS = 15_000;

/** Payments that are not charged when the run ends. */
async function leftAfter(declines: number): Promise<number> {
  const clock = new VirtualClock();
  const attempts = new Map<string, number>();
  let charged = 0;
  const engine = loneEngine({
    sync: 'never',
    clock,
    cpu: { usedMs: () => 0.6 * clock.elapsed(), cores: () => 1 },
    slots: SLOTS,
    settings: { CONSUMERS: '500', POLICY: 'eager', SENDS_GATHER_MS: '10', BACKOFF_FIRST_MS: '0' },
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    charge: ({ correlationId }) => {
      const before = attempts.get(correlationId) ?? 0;
      attempts.set(correlationId, before + 1);
      if (before < declines) return 'busy';
      charged++;
      return 'charged';
    },
  });
  engine.recover(true);
  engine.start();
  const posted = (PER_S * RUN_MS) / 1_000;
  for (let n = 0; n < posted; n++) {
    const id = Uint32Array.of(0, 0, 7, n);
    assert.equal(await engine.admission.admit(id, 1, false), 'accepted', idToText(id));
    await clock.advance(1_000 / PER_S);
  }
  await clock.advance(100);
  const left = posted - charged;
  await engine.stop(0);
  return left;
}

for (const declines of [0, 1, 2]) {
  test(`payments that are declined ${declines} times keep up with intake`, async () => {
    const left = await leftAfter(declines);
    assert.ok(left < PER_S / 2, `${left} are left`);
  });
}
