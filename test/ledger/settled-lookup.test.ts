// Questions about settled payments are gathered, shared and bounded, and answered even while the
// ledger does not answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SettledLookup } from '../../src/ledger/settled-lookup.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { rowOf } from './ledger-fixture.ts';
import { VirtualClock } from './virtual-clock.ts';

interface Asked {
  readonly ids: readonly string[];
  readonly answer: (rows: readonly LedgerRow[]) => void;
  readonly fail: () => void;
}

function setUp(): {
  readonly lookup: SettledLookup;
  readonly asked: Asked[];
  readonly clock: VirtualClock;
} {
  const asked: Asked[] = [];
  const clock = new VirtualClock();
  const find = (ids: readonly string[]): Promise<readonly LedgerRow[]> =>
    new Promise((resolve, reject) => {
      asked.push({ ids, answer: resolve, fail: () => reject(new Error('away')) });
    });
  return { lookup: new SettledLookup({ find }, clock), asked, clock };
}

const idOf = (n: number): string => rowOf(n).correlationId;

test('the first question leaves at once, the others gather behind it', async () => {
  const { lookup, asked } = setUp();
  const answers = [1, 2, 3].map((n) => lookup.cents(idOf(n)));
  assert.deepEqual(asked[0]?.ids, [idOf(1)]);
  asked[0]?.answer([rowOf(1, 5)]);
  await turn();
  assert.deepEqual(asked[1]?.ids, [idOf(2), idOf(3)]);
  asked[1]?.answer([rowOf(3, 7)]);
  assert.deepEqual(await Promise.all(answers), [5, 'absent', 7]);
});

test('whoever asks for the same id shares the answer, and it comes to all in one turn', async () => {
  const { lookup, asked } = setUp();
  const first = lookup.cents(idOf(1));
  assert.equal(lookup.cents(idOf(1)), first);
  const waiting = lookup.cents(idOf(2));
  assert.equal(lookup.cents(idOf(2)), waiting);
  asked[0]?.answer([]);
  await turn();
  asked[1]?.answer([]);
  assert.deepEqual(await Promise.all([first, waiting]), ['absent', 'absent']);
  // The next one is a question of its own: things may have changed.
  const again = lookup.cents(idOf(1));
  assert.notEqual(again, first);
  await turn();
  asked[2]?.answer([rowOf(1, 9)]);
  assert.equal(await again, 9);
});

test('a ledger that can not be asked makes the answer unknown, and is asked again for the next', async () => {
  const { lookup, asked } = setUp();
  const first = lookup.cents(idOf(1));
  const second = lookup.cents(idOf(2));
  asked[0]?.fail();
  assert.equal(await first, 'unknown');
  await turn();
  asked[1]?.answer([]);
  assert.equal(await second, 'absent');
});

test('questions beyond the bound are answered with unknown at once', async () => {
  const { lookup, asked } = setUp();
  const first = lookup.cents(idOf(0));
  const waiting = Array.from({ length: 2000 }, (_, n) => lookup.cents(idOf(n + 1)));
  assert.equal(await lookup.cents(idOf(9999)), 'unknown');
  asked[0]?.answer([]);
  await turn();
  assert.equal(asked[1]?.ids.length, 2000);
  asked[1]?.answer([]);
  assert.equal(await first, 'absent');
  assert.ok((await Promise.all(waiting)).every((answer) => answer === 'absent'));
});

test('a ledger that is silent makes the answer unknown in time, and its late answer changes nothing', async () => {
  const { lookup, asked, clock } = setUp();
  const first = lookup.cents(idOf(1));
  await clock.advance(300);
  assert.equal(await first, 'unknown');
  const again = lookup.cents(idOf(1));
  asked[0]?.answer([rowOf(1, 9)]);
  await turn();
  asked[1]?.answer([]);
  assert.equal(await again, 'absent');
});
