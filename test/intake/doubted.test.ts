// Another instance hands a payment over in doubt: this one, its owner, may have sent it and lost
// that. It sends the payment only once neither the ledger nor a processor has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/engine.ts';
import type { Anomaly } from '../../src/ledger/anomaly.ts';
import {
  DEFAULT,
  FALLBACK,
  type Charge,
  type LedgerRow,
  type ProcessorIndex,
} from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine, SLOTS, type LoneEngineParts } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const ID = Uint32Array.of(1, 2, 3, 4);
const CENTS = 1_990;
const CHARGE: Charge = {
  correlationId: '00000001-0000-0002-0000-000300000004',
  amountCents: CENTS,
  requestedAtMs: 77,
};
const ROW: LedgerRow = { ...CHARGE, processor: FALLBACK };
const TIMEOUT_MAX_MS = 8_000;

type Changes = Pick<LoneEngineParts, 'rows' | 'lookup' | 'isOurs'>;

function setUp(changes: Changes = {}, file = new MemoryJournalFile(fileBytes(SLOTS))) {
  const clock = new VirtualClock();
  const reported: Anomaly[] = [];
  const sent: Charge[] = [];
  const engine = loneEngine({
    sync: 'never',
    clock,
    file,
    reported: (anomaly) => reported.push(anomaly),
    charge: (charge) => {
      sent.push(charge);
      return 'charged';
    },
    settings: { TIMEOUT_MAX_MS: String(TIMEOUT_MAX_MS) },
    ...changes,
  });
  return { engine, clock, file, reported, sent };
}

function started(engine: Engine): Engine {
  engine.recover(true);
  engine.filter.complete = true;
  engine.start();
  return engine;
}

const heldBy =
  (holder: ProcessorIndex): NonNullable<LoneEngineParts['lookup']> =>
  (_, processor) =>
    processor === holder ? CHARGE : 'absent';

const handOver = (engine: Engine, cents = CENTS): unknown =>
  engine.admission.admit(ID, cents, true, true);

test('what a processor holds is recorded as that one holds it, and is not sent', async () => {
  const { engine, clock, reported, sent } = setUp({ lookup: heldBy(FALLBACK) });
  started(engine);
  assert.equal(handOver(engine), 'accepted');
  assert.equal(handOver(engine), 'repeated');
  assert.equal(handOver(engine, CENTS + 1), 'conflict');
  assert.equal(engine.recovering.count, 1);
  await clock.advance(1_000);
  assert.deepEqual(sent, []);
  assert.deepEqual(
    reported.map(({ kind, charged }) => [kind, charged.processor]),
    [['charged and not recorded', 'fallback']],
  );
  assert.equal(engine.ring.used, 0);
  assert.equal(engine.recovering.count, 0);
});

test('what another process may have sent, which runs the instance by now, is not reported', async () => {
  let answer: boolean | Error = false;
  const { engine, clock, reported } = setUp({
    lookup: heldBy(DEFAULT),
    isOurs: async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  started(engine);
  assert.equal(handOver(engine), 'accepted');
  await clock.advance(1_000);
  answer = new Error('the database does not answer');
  await clock.advance(10_000);
  assert.deepEqual([reported, engine.ring.used], [[], 1]);
  answer = true;
  await clock.advance(10_000);
  assert.deepEqual([reported.length, engine.ring.used], [1, 0]);
});

test('what the ledger has is done, and no processor is asked', async () => {
  const { engine, clock, reported, sent } = setUp({
    rows: [ROW],
    lookup: () => assert.fail('a processor is asked'),
  });
  started(engine);
  assert.equal(handOver(engine), 'accepted');
  await clock.advance(1_000);
  assert.deepEqual([sent, reported, engine.ring.used], [[], [], 0]);
});

test('what both processors lack is sent once no earlier request may still arrive there', async () => {
  const { engine, clock, sent } = setUp({ lookup: () => 'absent' });
  started(engine);
  await clock.advance(5_000);
  assert.equal(handOver(engine), 'accepted');
  await clock.advance(TIMEOUT_MAX_MS - 1_000);
  assert.deepEqual(sent, []);
  await clock.advance(10_000);
  assert.deepEqual(
    sent.map(({ correlationId }) => correlationId),
    [CHARGE.correlationId],
  );
  assert.equal(engine.ring.used, 0);
});

test('the doubt outlives the process', async () => {
  const before = setUp({ lookup: () => 'unknown' });
  started(before.engine);
  assert.equal(handOver(before.engine), 'accepted');
  const file = MemoryJournalFile.holding(Buffer.from(before.file.cache));
  const { engine, clock, reported, sent } = setUp({ lookup: heldBy(DEFAULT) }, file);
  engine.recover(false);
  engine.start();
  await clock.advance(1_000);
  assert.deepEqual([sent, reported.length, engine.ring.used], [[], 1, 0]);
});
