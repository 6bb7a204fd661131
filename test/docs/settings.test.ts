// docs/SETTINGS.md lists the program's settings.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SETTINGS } from '../../src/config/settings.ts';
import { SETTINGS_FILE, withSettings } from '../../tools/settings-tables.ts';

const document = readFileSync(SETTINGS_FILE, 'utf8');

test('the tables of settings are those of the program (npm run docs:settings)', () => {
  assert.equal(withSettings(document), document);
});

test('every setting has a row', () => {
  for (const name of Object.keys(SETTINGS))
    assert.ok(document.includes(`\n| \`${name}\` | `), name);
});
