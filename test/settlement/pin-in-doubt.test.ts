// A cell of the journal is damaged, so a start can't see where a payment was sent, and the ledger
// has the payment: the other processor is asked whether it holds the payment too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Anomaly } from '../../src/ledger/anomaly.ts';
import { Journal, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { DEFAULT, FALLBACK, type Charge, type LedgerRow } from '../../src/payment.ts';
import { fileBytes, JOURNAL_ID } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const ID = Uint32Array.of(1, 2, 3, 4);
const CHARGE: Charge = {
  correlationId: '00000001-0000-0002-0000-000300000004',
  amountCents: 1990,
  requestedAtMs: 77,
};

/** A payment that was sent to default, and the cell that says so is damaged. */
function damagedJournal(): MemoryJournalFile {
  const ring = new Ring(1, 1);
  const file = new MemoryJournalFile(fileBytes(1));
  const journal = new Journal(file, ring, 'never');
  journal.format(JOURNAL_ID);
  const slot = ring.hold(ID, CHARGE.amountCents, 5);
  journal.hold(slot);
  ring.pin(slot, DEFAULT, CHARGE.requestedAtMs);
  journal.pin(slot);
  const bytes = Buffer.from(file.cache).fill(0xff, file.lastAt, file.lastAt + SLOT_BYTES / 2);
  return MemoryJournalFile.holding(bytes);
}

async function restart(
  row: LedgerRow,
  held: Charge | 'absent',
): Promise<{ reported: Anomaly[]; asked: number[]; held: number }> {
  const clock = new VirtualClock();
  const reported: Anomaly[] = [];
  const asked: number[] = [];
  const engine = loneEngine({
    sync: 'never',
    clock,
    file: damagedJournal(),
    slots: 1,
    rows: [row],
    reported: (anomaly) => reported.push(anomaly),
    charge: () => assert.fail('it is sent again'),
    lookup: (_, processor) => {
      asked.push(processor);
      return processor === DEFAULT ? held : 'absent';
    },
  });
  engine.recover(false);
  engine.start();
  await clock.advance(60_000);
  return { reported, asked, held: engine.ring.used };
}

test('the other processor holds it too: that is an anomaly, and the payment is released', async () => {
  const { reported, held } = await restart({ ...CHARGE, processor: FALLBACK }, CHARGE);
  assert.deepEqual(
    reported.map(({ kind, charged, recorded }) => [kind, charged.processor, recorded.processor]),
    [['charged at both processors', 'default', 'fallback']],
  );
  assert.equal(held, 0);
});

test('the other processor does not hold it: all is well', async () => {
  for (const processor of [DEFAULT, FALLBACK] as const) {
    const holder = processor === DEFAULT ? CHARGE : 'absent';
    const { reported, asked, held } = await restart({ ...CHARGE, processor }, holder);
    assert.deepEqual(reported, []);
    assert.deepEqual([...new Set(asked)], [processor === DEFAULT ? FALLBACK : DEFAULT]);
    assert.equal(held, 0);
  }
});
