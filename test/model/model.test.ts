// The model of the cluster's protocol: no run breaks a promise, and without any of its rules some
// run does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetWithout, NEEDLESS_RULE, RULES, type Rule } from '../../tools/model/rules.ts';
import { check, missingPackage, type Budget } from '../../tools/model/spin.ts';
import { needs } from '../world/needs.ts';

const missing = await missingPackage();
const options = needs(`the package ${missing}`, missing === undefined);
const BUDGET: Budget = { payments: 1, slots: 1, faults: 3, troubles: 2, restores: 0 };
const RESTORED: Budget = { payments: 1, slots: 1, faults: 1, troubles: 1, restores: 1 };

for (const [what, budget] of [
  ['one payment', BUDGET],
  ['two payments', { payments: 2, slots: 2, faults: 1, troubles: 1, restores: 0 }],
  ['two payments in one slot', { payments: 2, slots: 1, faults: 2, troubles: 1, restores: 0 }],
  ['a database that goes back to an earlier state', RESTORED],
] as const) {
  test(`no run of the protocol breaks a promise with ${what}`, options, async () => {
    assert.equal((await check('broken promises', budget)).broken, undefined);
  });
}

test('every run ends', options, async () => {
  assert.equal((await check('endless runs', BUDGET)).broken, undefined);
});

test('so does every run in which the database goes back', options, async () => {
  assert.equal((await check('endless runs', RESTORED)).broken, undefined);
});

for (const [name, rule] of Object.entries(RULES)) {
  test(`a run breaks a promise unless ${rule}`, options, async () => {
    const budget = budgetWithout(name as Rule);
    const { broken } = await check('the shortest way', budget, [name, 'ONLY_MONEY']);
    assert.ok(broken !== undefined && broken.story.length > 0);
  });
}

test(
  'two processes write in one epoch unless only the session with the lock writes',
  options,
  async () => {
    const { broken } = await check('the shortest way', BUDGET, ['WRITE_WITHOUT_LOCK']);
    assert.equal(broken?.promise, 'two processes write in one epoch');
  },
);

test('a pin that replaces another one needs no unpin before it', options, async () => {
  assert.equal((await check('broken promises', BUDGET, [NEEDLESS_RULE])).broken, undefined);
});
