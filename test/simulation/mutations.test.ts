import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { patched } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';

const compiled = new URL('../../src/', import.meta.url);

test('every mutation applies to the program as it is compiled now', () => {
  for (const { name, patches } of MUTATIONS) {
    for (const patch of patches) {
      const text = readFileSync(new URL(patch.file, compiled), 'utf8');
      assert.notEqual(patched(text, patch), text, name);
    }
  }
});
