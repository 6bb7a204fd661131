// Payments that a processor refuses for what they are: they are kept, tried again, and offered to
// the other processor.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/engine.ts';
import type { Outcome } from '../../src/gateways/outcome.ts';
import {
  DEFAULT,
  FALLBACK,
  PROCESSORS,
  type Charge,
  type ProcessorIndex,
} from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { statusOf } from '../../src/api/status.ts';

const SLOTS = 300;
const REFUSED = 20;
const REFUSED_CENTS = 66_600;
const STEP_MS = 5;
const ID_WORDS = 4;

/** In small steps: what a timer starts takes some turns of the event loop to set the next one. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) await clock.advance(STEP_MS);
}

interface Started {
  readonly clock: VirtualClock;
  readonly said: readonly string[];
  /** The `n`th payment. */
  readonly pay: (n: number, cents: number) => void;
  readonly engine: Engine;
}

/** An engine before processors that answer as `charge` says. */
async function start(
  charge: (payment: Charge, processor: ProcessorIndex, nowMs: number) => Outcome,
  settings: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const clock = new VirtualClock();
  const said: string[] = [];
  const say = (event: string): void => {
    said.push(event);
  };
  const engine = loneEngine({
    sync: 'never',
    clock,
    slots: SLOTS,
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    log: say,
    charge: (payment, processor) => charge(payment, processor, clock.elapsed()),
    settings,
  });
  engine.recover(true);
  engine.start();
  await pass(clock, 100);
  const pay = (n: number, cents: number): void => {
    assert.equal(
      engine.admission.admit(new Uint32Array(ID_WORDS).fill(n + 1), cents, false),
      'accepted',
    );
  };
  return { clock, said, pay, engine };
}

test('payments that both processors refuse are set aside, and tried again for ever, ever more seldom', async () => {
  let refusals = 0;
  const { clock, said, pay, engine } = await start(({ amountCents }) => {
    if (amountCents !== REFUSED_CENTS) return 'charged';
    refusals++;
    return 'refused';
  });
  for (let n = 0; n < REFUSED; n++) pay(n, REFUSED_CENTS);
  for (let n = 0; n < 100; n++) {
    pay(REFUSED + n, 1_990);
    await pass(clock, 50);
  }
  await pass(clock, 60_000);
  const refusedBefore = refusals;
  await pass(clock, 60_000);
  // Each again and again, but no more than every 30 s by now.
  assert.ok(refusals - refusedBefore >= REFUSED && refusals - refusedBefore <= 3 * REFUSED);
  assert.equal(statusOf(engine)['held'], REFUSED);
  assert.equal(said.filter((message) => message === 'payment set aside').length, REFUSED);
});

for (const policy of ['thrifty', 'eager']) {
  test(`under ${policy} a payment that is set aside is tried again after 1 s, 2 s, 4 s and so on`, async () => {
    const atMs: number[] = [];
    const { clock, said, pay } = await start(
      ({ amountCents }, _, nowMs) => {
        if (amountCents !== REFUSED_CENTS) return 'charged';
        if (said.includes('payment set aside')) atMs.push(nowMs);
        return 'refused';
      },
      { POLICY: policy },
    );
    pay(0, REFUSED_CENTS);
    for (let n = 1; n < 100; n++) {
      pay(n, 1_990);
      await pass(clock, 100);
    }
    const pauses = atMs.slice(1).map((ms, n) => Math.round((ms - (atMs[n] as number)) / 1_000));
    assert.deepEqual(pauses.slice(0, 2), [2, 4]);
  });
}

test('a payment that one processor refuses is charged at the other one', async () => {
  for (const refuses of PROCESSORS) {
    const charged: string[] = [];
    const { clock, pay } = await start(({ amountCents }, processor) => {
      if (amountCents === REFUSED_CENTS && processor === refuses) return 'refused';
      charged.push(`${amountCents} at ${processor}`);
      return 'charged';
    });
    for (let n = 0; n < 100; n++) {
      pay(n, n === 10 ? REFUSED_CENTS : 1_990);
      await pass(clock, 50);
    }
    const other = refuses === DEFAULT ? FALLBACK : DEFAULT;
    assert.equal(charged.filter((one) => one === `${REFUSED_CENTS} at ${other}`).length, 1);
    assert.equal(charged.filter((one) => one === `1990 at ${DEFAULT}`).length, 99);
  }
});

test('a processor that refuses everybody is one that fails: the other one gets the payments', async () => {
  const charged: number[] = [];
  const { clock, pay } = await start((_, processor, nowMs) => {
    if (processor === DEFAULT) return 'refused';
    charged.push(nowMs);
    return 'charged';
  });
  // So long that waiting for default has become dearer than fallback.
  for (let n = 0; n < 120; n++) {
    pay(n, 1_990);
    await pass(clock, 1_000);
  }
  assert.ok(charged.length >= 100, String(charged.length));
});
