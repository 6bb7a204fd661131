// An instance is ready while it takes payments, whatever is away behind it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Membership } from '../../src/membership/membership.ts';
import { readiness } from '../../src/snapshot/readiness.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const agreed = { state: 'agreed', ledgerProblem: '' } as Membership;

function makeEngine() {
  const clock = new VirtualClock();
  const settings = { LEDGER_DURABILITY: 'require' };
  const file = new MemoryJournalFile(fileBytes(5));
  const engine = loneEngine({ sync: 'never', clock, file, settings });
  engine.recover(true);
  engine.start();
  return { clock, engine };
}

test('it is ready unless payments are refused, and says why it is not', () => {
  const { clock, engine } = makeEngine();
  assert.deepEqual(readiness(engine, agreed, engine.stages.standings(clock.now())), {
    isReady: true,
    reason: '',
    degraded: [],
  });
  for (const refuse of [
    () => engine.holdStill(),
    () => engine.freeze(),
    () => engine.hasStandby(false),
    () => engine.bar('draining'),
    () => engine.bar('disagreeing', 'another ledger'),
  ]) {
    refuse();
    const { isReady, reason } = readiness(engine, agreed, engine.stages.standings(clock.now()));
    assert.equal(isReady, false);
    assert.notEqual(reason, '');
    engine.takeAgain();
    engine.bar(undefined);
    engine.hasStandby(true);
  }
  assert.equal(readiness(engine, agreed, engine.stages.standings(clock.now())).isReady, true);
});

test('no attempt starts while what is journalled must be on two disks and is on one', async () => {
  const { clock, engine } = makeEngine();
  await clock.advance(1_000);
  engine.holdStill();
  assert.equal(engine.admission.admit(Uint32Array.of(0, 0, 3, 1), 1_990, true), 'accepted');
  engine.hasStandby(false);
  engine.takeAgain();
  engine.sendAgain();
  assert.equal(engine.admission.admit(Uint32Array.of(0, 0, 3, 1), 1_990, false), 'unsafe');
  assert.equal(engine.admission.admit(Uint32Array.of(0, 0, 3, 2), 1_990, false), 'unsafe');
  await clock.advance(1_000);
  assert.equal(engine.ring.waiting, 1);
  assert.equal(
    engine.ring.declines.every((count) => count === 0),
    true,
  );
  engine.hasStandby(true);
  await clock.advance(1_000);
  assert.equal(
    engine.ring.declines.some((count) => count > 0),
    true,
  );
});

test('a processor that fails and payments that stand still make it degraded', async () => {
  const { clock, engine } = makeEngine();
  await clock.advance(1_000);
  for (let n = 0; n < 5; n++) {
    assert.equal(engine.admission.admit(Uint32Array.of(0, 0, 3, n), 1_990, false), 'accepted');
  }
  await clock.advance(20_000);
  const { isReady, degraded } = readiness(engine, agreed, engine.stages.standings(clock.now()));
  assert.equal(isReady, true);
  assert.ok(degraded.includes('default fails'));
  assert.ok(
    degraded.some((text) => text.includes('stand still: queued')),
    degraded.join(),
  );
});
