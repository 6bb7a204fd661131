// Payments that every processor refuses for what they are: they are kept and tried again, and hold up nobody.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT, FALLBACK, PROCESSORS } from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const SLOTS = 200;
const REFUSED = 20;
const REFUSED_CENTS = 66_600;
/** PROBE_EVERY_MS. */
const PROBE_MS = 250;
const STEP_MS = 5;
const IDS = 4;

/** In small steps: what a timer starts takes some turns of the event loop to set the next one. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) await clock.advance(STEP_MS);
}

test('twenty payments that nobody takes cost the others nothing, once they are known', async () => {
  const clock = new VirtualClock();
  const chargedAtMs: number[] = [];
  const said: string[] = [];
  let refusals = 0;
  const engine = loneEngine({
    sync: 'never',
    clock,
    slots: SLOTS,
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    log: (message) => said.push(message),
    charge: ({ amountCents }) => {
      if (amountCents === REFUSED_CENTS) {
        refusals++;
        return 'refused';
      }
      chargedAtMs.push(clock.elapsed());
      return 'charged';
    },
  });
  engine.recover(true);
  engine.start();
  await pass(clock, 100);
  const pay = (n: number, cents: number): void => {
    assert.equal(engine.admit(new Uint32Array(IDS).fill(n + 1), cents, false), 'accepted');
  };
  for (let n = 0; n < REFUSED; n++) pay(n, REFUSED_CENTS);
  // Each makes a processor look failing once, for a probe's interval.
  await pass(clock, REFUSED * 3 * PROBE_MS);
  assert.ok(refusals >= 2 * REFUSED);
  // The first good one proves that the processor works: until then any payment is its probe.
  pay(REFUSED, 1_990);
  await pass(clock, REFUSED * 2 * PROBE_MS);
  assert.equal(chargedAtMs.length, 1);

  for (let n = 1; n <= 100; n++) {
    const atMs = clock.elapsed();
    pay(REFUSED + n, 1_990);
    await pass(clock, 50);
    assert.ok((chargedAtMs.at(-1) as number) - atMs <= 20, `waited at ${atMs}`);
  }
  assert.equal(chargedAtMs.length, 101);
  const refusedBefore = refusals;
  await pass(clock, 60_000);
  // Each again and again, but no more than every 30 s by now.
  assert.ok(refusals - refusedBefore >= REFUSED && refusals - refusedBefore <= 3 * REFUSED);
  assert.equal(engine.status()['held'], REFUSED);
  assert.equal(said.filter((message) => message === 'payment is refused').length, REFUSED);
});

test('a payment that one processor refuses is charged at the other one', async () => {
  for (const refuses of PROCESSORS) {
    const clock = new VirtualClock();
    const charged: string[] = [];
    const engine = loneEngine({
      sync: 'never',
      clock,
      slots: SLOTS,
      file: new MemoryJournalFile(fileBytes(SLOTS)),
      charge: ({ amountCents }, processor) => {
        if (amountCents === REFUSED_CENTS && processor === refuses) return 'refused';
        charged.push(`${amountCents} at ${processor}`);
        return 'charged';
      },
    });
    engine.recover(true);
    engine.start();
    await pass(clock, 100);
    for (let n = 0; n < 100; n++) {
      const cents = n === 10 ? REFUSED_CENTS : 1_990;
      assert.equal(engine.admit(new Uint32Array(IDS).fill(n + 1), cents, false), 'accepted');
      await pass(clock, 50);
    }
    const other = refuses === DEFAULT ? FALLBACK : DEFAULT;
    assert.equal(charged.filter((one) => one === `${REFUSED_CENTS} at ${other}`).length, 1);
    assert.equal(charged.filter((one) => one === `1990 at ${DEFAULT}`).length, 99);
  }
});

test('a processor that refuses everybody is one that fails: the other one gets the payments', async () => {
  const clock = new VirtualClock();
  const charged: number[] = [];
  const engine = loneEngine({
    sync: 'never',
    clock,
    slots: SLOTS,
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    charge: (_, processor) => {
      if (processor === 0) return 'refused';
      charged.push(clock.elapsed());
      return 'charged';
    },
  });
  engine.recover(true);
  engine.start();
  await pass(clock, 100);
  // So long that waiting for default has become dearer than fallback.
  for (let n = 0; n < 120; n++) {
    assert.equal(engine.admit(new Uint32Array(IDS).fill(n + 1), 1_990, false), 'accepted');
    await pass(clock, 1_000);
  }
  assert.ok(charged.length >= 100, String(charged.length));
});
