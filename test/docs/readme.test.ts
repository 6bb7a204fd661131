// The README's table of settings is the program's.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NUMBER_SETTINGS, TEXT_SETTINGS, WORD_SETTINGS } from '../../src/settings.ts';

test('every setting is in the README with its default, bounds and meaning, and no other', () => {
  const expected = [
    ...Object.entries(TEXT_SETTINGS).map(([name, meaning]) => `| \`${name}\` | | | ${meaning} |`),
    ...Object.entries(WORD_SETTINGS).map(
      ([name, { words, meaning }]) =>
        `| \`${name}\` | ${words[0]} | ${words.join(', ')} | ${meaning} |`,
    ),
    ...Object.entries(NUMBER_SETTINGS).map(
      ([name, { preset, unit, min, max, meaning }]) =>
        `| \`${name}\` | ${preset} ${unit} | ${min} to ${max} | ${meaning} |`,
    ),
  ];
  const readme = readFileSync('README.md', 'utf8');
  const written = readme.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  assert.deepEqual(written, expected);
});
