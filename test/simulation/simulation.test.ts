import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN, SEED } from '../buffer/seed.ts';
import { hunt } from './mutants.ts';
import { MUTATIONS } from './mutations.ts';
import { simulate } from './run.ts';

const RUNS = 150;
const PAYMENTS = 500;

test('whatever fails, every payment taken is charged once and recorded as it was charged', async (t) => {
  const counts = new Map<string, number>();
  let settled = 0;
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const result = await simulate({ seed, payments: PAYMENTS });
    const again = `npm run simulate -- --seeds 1 --seed ${seed} --payments ${PAYMENTS} --trace`;
    assert.equal(result.failure, undefined, `seed ${seed}: ${again}`);
    settled += result.settled;
    for (const [kind, count] of result.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
  }
  t.diagnostic(`${settled} payments settled; ${[...counts].flat().join(' ')}`);
  assert.ok(settled > (RUNS * PAYMENTS) / 4, `most payments get through ${AGAIN}`);
  for (const kind of ['crash', 'power lost', 'answerLost', 'statementHangs', 'offerLost']) {
    assert.ok(counts.has(kind), `${kind} happens ${AGAIN}`);
  }
  for (const kind of ['shard moved', 'lease lost', 'failover', 'cut off', 'waitCancelled']) {
    assert.ok(counts.has(kind), `${kind} happens ${AGAIN}`);
  }
});

test('a seed gives the same run again, event by event', async () => {
  for (let seed = SEED; seed < SEED + 5; seed++) {
    const once = await simulate({ seed, payments: PAYMENTS });
    assert.deepEqual(await simulate({ seed, payments: PAYMENTS }), once, AGAIN);
    const other = await simulate({ seed: seed + 1, payments: PAYMENTS });
    assert.notEqual(other.hash, once.hash, AGAIN);
  }
});

test('the simulation notices a program that is wrong', async () => {
  for (const name of [
    'pin writes nothing',
    'an unknown one goes to the other processor',
    'a takeover asks for no lock',
  ]) {
    const mutation = MUTATIONS.find((candidate) => candidate.name === name);
    assert.ok(mutation, name);
    const { found, printed } = await hunt(mutation, ['--seeds', '100', '--failures', '1']);
    assert.match(found ?? printed, /^seed \d+ fails: (payment|not settled|not flushed)/);
  }
});
