// A comparison that takes long says how far it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComparedBooks } from '../../src/ledger/compared-books.ts';
import { Progress } from '../../src/reconcile/progress.ts';
import { Questions } from '../../src/reconcile/questions.ts';
import { lookAgain } from '../../src/reconcile/second-look.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { idOf } from './books-fixture.ts';

const SUSPECTS = 2_249;

const lookup = (): Promise<{ held: 'absent'; status: number; excerpt: string }> =>
  Promise.resolve({ held: 'absent', status: 404, excerpt: '' });

test('each few seconds it says how many payments the second look has asked about', async () => {
  const clock = new VirtualClock();
  const books = {
    find: () => Promise.resolve(new Map()),
    givenUpAmong: () => Promise.resolve(new Set()),
  } as unknown as ComparedBooks;
  const said: string[] = [];
  const looked = lookAgain(
    {
      clock,
      books,
      questions: new Questions({ clock, processors: [{ lookup }, { lookup }], rate: 200 }),
      instances: undefined,
      hasReports: false,
      progress: new Progress(clock, (text) => said.push(text)),
    },
    Array.from({ length: SUSPECTS }, (_, n) => idOf(n)),
  );
  await clock.advance(30_000);
  assert.deepEqual((await looked).differences, []);
  // Two questions about each, 200 in a second.
  assert.equal(said.length, 4, said.join('\n'));
  for (const text of said) {
    assert.match(text, /^asked both processors about \d+ of 2249 payments that may differ$/);
  }
});
