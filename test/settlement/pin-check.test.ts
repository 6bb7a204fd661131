// A payment is pinned to one processor and recorded at the other: the pinned one is asked until it
// says for certain whether it holds the payment too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ring } from '../../src/buffer/ring.ts';
import type { Processor } from '../../src/gateways/processor.ts';
import type { Routing } from '../../src/gateways/routing.ts';
import type { Charge } from '../../src/payment.ts';
import type { Contradictions } from '../../src/settlement/contradictions.ts';
import { PinCheck } from '../../src/settlement/pin-check.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { rowOf } from '../ledger/ledger-fixture.ts';

const ABSENT_MS = 15_000;
const SLOTS = 10;
type Held = Charge | 'absent' | 'unknown';

const ignore = (): void => {};

function setUp() {
  const clock = new VirtualClock();
  const answers = new Map<string, Held>();
  const known: [number, Held][] = [];
  const warned: unknown[] = [];
  let asked = 0;
  const processor = {
    lookup: async (id: string) => {
      asked++;
      return { held: answers.get(id) ?? 'unknown', status: 0, excerpt: '' };
    },
  } as unknown as Processor;
  const check = new PinCheck({
    clock,
    log: { info: ignore, warn: (_, details) => warned.push(details), error: ignore },
    config: { TIMEOUT_MAX_MS: ABSENT_MS },
    processor: 0,
    processors: [processor, processor],
    ring: { slots: SLOTS, idText: (slot: number) => rowOf(slot).correlationId } as Ring,
    routing: { timeoutMs: (): number => 300 } as unknown as Routing,
    contradictions: {
      pinChecked: (slot: number, held: Charge | 'absent') => known.push([slot, held]),
    } as unknown as Contradictions,
  });
  const says = (slot: number, held: Held): unknown => answers.set(rowOf(slot).correlationId, held);
  return { clock, check, says, known, warned, asked: () => asked };
}

test('a payment that the processor holds is known at once; without an answer it is asked again and again', async () => {
  const { clock, check, says, known, warned, asked } = setUp();
  says(1, rowOf(1));
  for (const slot of [0, 1, 2]) check.add(slot);
  await clock.advance(100);
  assert.deepEqual(known, [[1, rowOf(1)]]);
  assert.equal(check.pending, 2);
  assert.deepEqual(warned[2], { correlationId: rowOf(2).correlationId, asked: 'default' });
  await clock.advance(600_000);
  assert.ok(asked() > 400 && asked() < 700, `${asked()} questions in 10 minutes: 2 every 2 s`);
  assert.equal(check.pending, 2);
  says(0, rowOf(0));
  says(2, rowOf(2));
  await clock.advance(2_000);
  assert.deepEqual(new Map(known.slice(1)), new Map([0, 2].map((n) => [n, rowOf(n)])));
  assert.equal(clock.timers, 0);
});

test('"absent" counts once it lasted longer than an attempt may last; a payment that arrives before that is found', async () => {
  const { clock, check, says, known } = setUp();
  says(0, 'absent');
  says(1, 'absent');
  check.add(0);
  check.add(1);
  await clock.advance(ABSENT_MS - 1_000);
  assert.deepEqual(known, []);
  says(1, rowOf(1));
  await clock.advance(2_000);
  assert.deepEqual(known[0], [1, rowOf(1)]);
  await clock.advance(2_000);
  assert.deepEqual(known.slice(1), [[0, 'absent']]);
  assert.equal(check.pending, 0);
});
