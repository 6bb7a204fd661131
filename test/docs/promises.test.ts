// The table of docs/ARCHITECTURE.md that names the tests of each promise names tests that exist.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

test('every test in the table of promises exists', () => {
  const [, table = ''] = readFileSync('docs/ARCHITECTURE.md', 'utf8').split('| promise | tests');
  const [rows = ''] = table.split('\n\n');
  const tests = readdirSync('test', { recursive: true, encoding: 'utf8' });
  const names = [...rows.matchAll(/`([a-z][\w/.-]+)`/g)].map(([, name = '']) => name);
  assert.ok(names.length > 20, String(names.length));
  for (const name of names.filter((one) => one !== 'test/')) {
    const ends = [name, `${name}.test.ts`];
    const isThere = tests.some((path) => ends.some((end) => `/${path}`.endsWith(`/${end}`)));
    assert.ok(isThere, `${name} is no test`);
  }
});
