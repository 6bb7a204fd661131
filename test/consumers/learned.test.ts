// A processor stores a payment after we gave up on it. It is asked again and again, so the payment
// is known within a second of being stored, however long the processor takes and however short our
// time-out is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../src/gateways/outcome.ts';
import { DEFAULT, type Charge } from '../../src/payment.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const SLOTS = 2_000;
const PER_S = 300;
const SPAN_MS = 3_000;
const KNOWN_WITHIN_MS = 1_000;

/** Default stores each payment after `delayMs`. */
async function play(delayMs: number, settings: Readonly<Record<string, string>>): Promise<void> {
  const clock = new VirtualClock();
  const stored = new Map<string, Charge & { readonly atMs: number }>();
  const lagsMs = new Map<string, number>();
  const engine = loneEngine({
    sync: 'never',
    clock,
    slots: SLOTS,
    settings: { CONSUMERS: '500', PROBE_EVERY_MS: '1000', ...settings },
    file: new MemoryJournalFile(fileBytes(SLOTS)),
    charge: (charge, processor, timeoutMs) => {
      if (processor !== DEFAULT) return 'declined';
      clock.after(delayMs, () => {
        if (!stored.has(charge.correlationId)) {
          stored.set(charge.correlationId, { ...charge, atMs: clock.elapsed() });
        }
      });
      return new Promise<Outcome>((resolve) => clock.after(timeoutMs, () => resolve('unknown')));
    },
    lookup: (correlationId, processor) => {
      const held = processor === DEFAULT ? stored.get(correlationId) : undefined;
      if (held === undefined) return 'absent';
      lagsMs.set(correlationId, clock.elapsed() - held.atMs);
      return held;
    },
  });
  engine.recover(true);
  engine.start();
  await clock.advance(20);
  let n = 0;
  for (const endMs = clock.elapsed() + SPAN_MS; clock.elapsed() < endMs; n++) {
    assert.equal(engine.admission.admit(Uint32Array.of(0, 0, 9, n), 1_990, false), 'accepted');
    await clock.advance(1_000 / PER_S);
  }
  await clock.advance(delayMs + 2_000);
  assert.ok(lagsMs.size >= 100, `${lagsMs.size} were sent to default, and known`);
  const worst = Math.max(...lagsMs.values());
  assert.ok(worst <= KNOWN_WITHIN_MS, `known ${worst} ms after it was stored`);
  const endMs = clock.elapsed();
  for (const [id, { atMs }] of stored) {
    assert.ok(lagsMs.has(id) || atMs > endMs - KNOWN_WITHIN_MS, `${id} is known`);
  }
}

for (const [delayMs, slackMs] of [
  [6_000, 5_500],
  [6_000, 300],
  [20_000, 6_000],
  [2_500, 1_000],
] as const) {
  test(`stored after ${delayMs} ms, given up after about ${slackMs} ms: known within a second`, async () => {
    await play(delayMs, { TIMEOUT_SLACK_MS: String(slackMs) });
  });
}
