// Summaries: what they say, and how many are made at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Summaries } from '../../src/summary/totals.ts';

const AT_ONCE = 100;
const NONE = { payments: '0', amountCents: '0' };

test('a summary is made after what is charged by now is settled, and is exact beyond what a float holds', async () => {
  const steps: string[] = [];
  const summaries = new Summaries({
    settled: async () => {
      steps.push('settled');
    },
    totals: async () => {
      steps.push('totals');
      return [{ payments: '3', amountCents: '99999999999999901' }, NONE];
    },
  });
  assert.deepEqual(await summaries.of(''), {
    json: '{"default":{"totalRequests":3,"totalAmount":999999999999999.01},"fallback":{"totalRequests":0,"totalAmount":0.00}}',
  });
  assert.deepEqual(steps, ['settled', 'totals']);
});

test('too many at once are refused before anybody is made to flush, until some are done', async () => {
  const waiting: (() => void)[] = [];
  let flushes = 0;
  let fails = true;
  const summaries = new Summaries({
    settled: () => {
      flushes++;
      return new Promise((resolve) => waiting.push(resolve));
    },
    totals: () => (fails ? Promise.reject(new Error('no ledger')) : Promise.resolve([NONE, NONE])),
  });
  const asked = Array.from({ length: AT_ONCE }, () => summaries.of(''));
  assert.equal(await summaries.of(''), 'busy');
  assert.ok('field' in Object(await summaries.of('from=yesterday')), 'what is no range says so');
  assert.equal(flushes, AT_ONCE);
  for (const settle of waiting.splice(0)) settle();
  const outcomes = await Promise.allSettled(asked);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  fails = false;
  const next = summaries.of('');
  for (const settle of waiting) settle();
  assert.ok('json' in Object(await next));
});
