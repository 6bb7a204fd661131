// A name is looked up once for all who wait; the known address is used while a newer answer is on
// its way.

import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { HostNames } from '../../src/gateways/host-names.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

const FIRST: LookupAddress = { address: '10.0.0.1', family: 4 };
const SECOND: LookupAddress = { address: '10.0.0.2', family: 4 };

function makeNames() {
  const clock = new VirtualClock();
  const questions: ((error: Error | null, addresses: LookupAddress[]) => void)[] = [];
  const names = new HostNames(clock, (_, done) => questions.push(done));
  const answers: unknown[] = [];
  const look = (all = false): void =>
    names.lookup('processor', { all }, (error, address) => answers.push(error?.message ?? address));
  return { clock, questions, answers, look };
}

test('all who ask for a name at once wait for one question', () => {
  const { questions, answers, look } = makeNames();
  look();
  look(true);
  look();
  assert.equal(questions.length, 1);
  assert.deepEqual(answers, []);
  questions[0]?.(null, [FIRST, SECOND]);
  assert.deepEqual(answers, [FIRST.address, [FIRST, SECOND], FIRST.address]);
});

test('an address serves on while it is asked for again, and when it is not found any more', async () => {
  const { clock, questions, answers, look } = makeNames();
  look();
  questions[0]?.(null, [FIRST]);
  await clock.advance(4_999);
  look();
  assert.equal(questions.length, 1, 'it is fresh');
  await clock.advance(1);
  look();
  look();
  assert.equal(questions.length, 2);
  questions[1]?.(new Error('not found'), []);
  look();
  assert.equal(questions.length, 3, 'and is asked for again');
  questions[2]?.(null, [SECOND]);
  look();
  assert.deepEqual(answers, [...Array.from({ length: 5 }, () => FIRST.address), SECOND.address]);
});

test('a name that is not found fails for those who waited, and is asked for by the next one', () => {
  const { questions, answers, look } = makeNames();
  look();
  questions[0]?.(new Error('not found'), []);
  look();
  questions[1]?.(null, []);
  assert.deepEqual(answers, ['not found', 'processor has no address']);
  assert.equal(questions.length, 2);
});

test('those who wait for an answer that never comes are bounded', () => {
  const { questions, answers, look } = makeNames();
  for (let n = 0; n < 1_001; n++) look();
  assert.equal(questions.length, 1);
  assert.deepEqual(answers, ['processor is asked for too often']);
});
