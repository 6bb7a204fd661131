// Summaries: what they contain, and how many are made at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Unrecorded } from '../../src/settlement/unrecorded.ts';
import type { Totals } from '../../src/ledger/range-totals.ts';
import { Summaries } from '../../src/summary/totals.ts';

const AT_ONCE = 100;
const NONE = { payments: '0', amountCents: '0' };
type Both = readonly [Totals, Totals];

/** Of instance 0, beside one that has recorded everything. */
function makeSummaries(
  flush: () => Promise<Unrecorded | undefined>,
  totals: () => Promise<Both>,
  peerSays?: string,
): Summaries {
  const peer = { flush: () => Promise.resolve(peerSays) };
  const membership = { requireOurLedger: () => Promise.resolve() };
  const engine = { flush };
  return new Summaries({
    instance: 0,
    engine,
    peers: [peer, peer],
    ledger: { totals },
    membership,
  });
}

test('a summary is made after what is charged by now is settled, and is exact beyond what a float holds', async () => {
  const steps: string[] = [];
  const summaries = makeSummaries(
    async () => {
      steps.push('flushed');
      return undefined;
    },
    async () => {
      steps.push('totals');
      return [{ payments: '3', amountCents: '99999999999999901' }, NONE];
    },
  );
  assert.deepEqual(await summaries.forQuery(''), {
    json: '{"default":{"totalRequests":3,"totalAmount":999999999999999.01},"fallback":{"totalRequests":0,"totalAmount":0.00}}',
  });
  assert.deepEqual(steps, ['flushed', 'totals']);
});

test('beyond the bound a summary is refused before any flush, until others are done', async () => {
  const waiting: ((missing: undefined) => void)[] = [];
  let flushes = 0;
  let fails = true;
  const summaries = makeSummaries(
    () => {
      flushes++;
      return new Promise((resolve) => waiting.push(resolve));
    },
    () => (fails ? Promise.reject(new Error('no ledger')) : Promise.resolve([NONE, NONE])),
  );
  const asked = Array.from({ length: AT_ONCE }, () => summaries.forQuery(''));
  assert.equal(await summaries.forQuery(''), 'busy');
  assert.ok(
    'field' in Object(await summaries.forQuery('from=yesterday')),
    'what is no range says so',
  );
  assert.equal(flushes, AT_ONCE);
  for (const flushed of waiting.splice(0)) flushed(undefined);
  const outcomes = await Promise.allSettled(asked);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  fails = false;
  const next = summaries.forQuery('');
  for (const flushed of waiting) flushed(undefined);
  assert.ok('json' in Object(await next));
});

test('while a charged payment is missing, the answer is the reason, and the ledger is not read', async () => {
  const summaries = makeSummaries(
    () => Promise.resolve(undefined),
    () => assert.fail('the ledger is read'),
    'it does not answer',
  );
  assert.deepEqual(await summaries.forQuery(''), { missing: 'instance 1: it does not answer' });
});
