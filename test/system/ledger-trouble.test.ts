// What the terminal says of the instances' logs: why the ledger isn't used, with what the line has
// and no more.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LedgerTrouble } from '../../tools/system/ledger-trouble.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';

function told(line: object): readonly string[] {
  const path = join(makeTempDirectory(), 'log');
  writeFileSync(path, `${JSON.stringify(line)}\n`);
  return new LedgerTrouble([path]).fresh();
}

test('a disagreement is told with both sides and the way on', () => {
  const [reason, here, there] = ['it is another ledger', 'journal: ledger a', 'ledger b'];
  assert.deepEqual(told({ event: 'disagreement', reason, here, there, wayOn: 'adopt' }), [
    'disagreement: it is another ledger: journal: ledger a; ledger b: way on: adopt',
  ]);
});

test('what a line lacks is left out', () => {
  const event = 'ledger unavailable';
  assert.deepEqual(told({ event, message: 'away' }), ['ledger unavailable: away']);
  const setting = 'DATABASE_URL';
  assert.deepEqual(told({ event, setting, cause: 'away', message: 'away' }), [
    'ledger unavailable (DATABASE_URL): away',
  ]);
  assert.deepEqual(told({ event: 'settings' }), []);
});
