// Summaries: what they say, and how many are made at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Summaries } from '../../src/summary/totals.ts';

const AT_ONCE = 100;
const NONE = { payments: '0', amountCents: '0' };

test('a summary is made after what is charged by now is settled, and is exact beyond what a float holds', async () => {
  const steps: string[] = [];
  const summaries = new Summaries({
    missing: async () => {
      steps.push('flushed');
      return undefined;
    },
    totals: async () => {
      steps.push('totals');
      return [{ payments: '3', amountCents: '99999999999999901' }, NONE];
    },
  });
  assert.deepEqual(await summaries.of(''), {
    json: '{"default":{"totalRequests":3,"totalAmount":999999999999999.01},"fallback":{"totalRequests":0,"totalAmount":0.00}}',
  });
  assert.deepEqual(steps, ['flushed', 'totals']);
});

test('too many at once are refused before anybody is made to flush, until some are done', async () => {
  const waiting: ((missing: undefined) => void)[] = [];
  let flushes = 0;
  let fails = true;
  const summaries = new Summaries({
    missing: () => {
      flushes++;
      return new Promise((resolve) => waiting.push(resolve));
    },
    totals: () => (fails ? Promise.reject(new Error('no ledger')) : Promise.resolve([NONE, NONE])),
  });
  const asked = Array.from({ length: AT_ONCE }, () => summaries.of(''));
  assert.equal(await summaries.of(''), 'busy');
  assert.ok('field' in Object(await summaries.of('from=yesterday')), 'what is no range says so');
  assert.equal(flushes, AT_ONCE);
  for (const flushed of waiting.splice(0)) flushed(undefined);
  const outcomes = await Promise.allSettled(asked);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  fails = false;
  const next = summaries.of('');
  for (const flushed of waiting) flushed(undefined);
  assert.ok('json' in Object(await next));
});

test('while something that is charged is missing, the reason is told and the ledger is not read', async () => {
  const summaries = new Summaries({
    missing: () => Promise.resolve('instance 1: it does not answer'),
    totals: () => assert.fail('the ledger is read'),
  });
  assert.deepEqual(await summaries.of(''), { missing: 'instance 1: it does not answer' });
});
