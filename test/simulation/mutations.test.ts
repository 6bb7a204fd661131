import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MUTATIONS } from './mutations.ts';

const compiled = new URL('../../src/', import.meta.url);

test('every mutation applies to the program as it is compiled now', () => {
  for (const { name, patches } of MUTATIONS) {
    for (const { file, from, to } of patches) {
      const places = readFileSync(new URL(file, compiled), 'utf8').split(from).length - 1;
      assert.equal(places, 1, `"${name}" in ${file}: ${from}`);
      assert.notEqual(from, to, name);
    }
  }
});
