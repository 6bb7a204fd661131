// Each field of info.json, missing or of another kind, is found, and nothing else is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { infoOf } from '../../tools/contest/submission/info.ts';
import { checkFolder } from '../../tools/contest/submission/folder.ts';
import { submitted } from './submitted.ts';

const CASES: readonly (readonly [string, unknown, string])[] = [
  ['name', undefined, 'info.json: name must be a text'],
  ['name', ' ', 'info.json: name must be a text'],
  ['source-code-repo', 'here', 'info.json: source-code-repo must be an https:// address'],
  ['social', undefined, 'info.json: social must be a list of texts'],
  ['social', [], 'info.json: social is empty'],
  ['social', ['@me'], 'info.json: social: "@me" is no https:// address'],
  [
    'social',
    ['http://example.com/a'],
    'info.json: social: "http://example.com/a" is no https:// address',
  ],
  ['langs', ['node', ' '], 'info.json: langs has an empty text'],
  ['langs', 'node', 'info.json: langs must be a list of texts'],
  ['storages', [1], 'info.json: storages must be a list of texts'],
  ['messaging', undefined, 'info.json: messaging must be a list of texts'],
  ['load-balancers', [], 'info.json: load-balancers is empty'],
  ['other-technologies', {}, 'info.json: other-technologies must be a list of texts'],
];

for (const [field, value, fault] of CASES) {
  test(`info.json: ${field} may not be ${JSON.stringify(value) ?? 'missing'}`, async () => {
    const folder = new Map(await submitted());
    const info = JSON.parse(folder.get('info.json') ?? '') as Record<string, unknown>;
    folder.set('info.json', JSON.stringify({ ...info, [field]: value }));
    assert.deepEqual(checkFolder(folder), [fault]);
  });
}

test('info.json must be a JSON object', async () => {
  const folder = new Map(await submitted());
  assert.deepEqual(checkFolder(folder.set('info.json', '{name}')), ['info.json is not JSON']);
  assert.deepEqual(checkFolder(folder.set('info.json', '[]')), ['info.json must be an object']);
});

test('the name and the profiles are those that are given, else those of the owner', () => {
  const { name, social } = infoOf('someone/repasse');
  assert.deepEqual([name, social], ['someone', ['https://github.com/someone']]);
  const profiles = ['https://example.com/a', 'https://example.com/b'];
  const given = infoOf('someone/repasse', { name: 'Some One', social: profiles });
  assert.deepEqual([given.name, given.social], ['Some One', profiles]);
});
