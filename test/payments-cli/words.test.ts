// Wrong words end the command with 2 and with one line, before any server is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payments } from './command.ts';

const ID = '4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3';

const WRONG: readonly (readonly [words: readonly string[], says: RegExp])[] = [
  [[], /^"" is not one of: list, stuck/],
  [['constructor'], /^"constructor" is not one of/],
  [['list', 'more'], /"more" is too much/],
  [['list', '--limit', '0'], /--limit "0" must be a whole number from 1 to 1000/],
  [['list', '--limit', '1e2'], /--limit "1e2"/],
  [['list', '--state', 'lost'], /--state "lost" is not one of: queued, at a processor/],
  [['list', '--reason', 'x'], /list takes no --reason/],
  [['list', '--admin', 'localhost'], /--admin "localhost" must be host:port/],
  [['list', '--admin', 'http://localhost:1'], /--admin "http:\/\/localhost:1" must be host:port/],
  [['show'], /show needs the id of a payment/],
  [['show', ID, ID], /is too much/],
  [['show', '12'], /"12" is no id of a payment/],
  [['show', '\u001b[2Jx'], /^"\\u\{1b\}\[2Jx" is no id/],
  [['retry'], /retry needs the id of a payment, or --all/],
  [['retry', '--all'], /retry --all needs --state/],
  [['retry', '--all', '--state', 'queued', ID], /is too much/],
  [['retry', ID, '--state', 'queued'], /only with --all/],
  [['retry', ID, '--actor', ' '], /--actor must be a text of 1 to 100 characters/],
  [['retry', ID, '--actor', 'a'.repeat(101)], /--actor must be a text of 1 to 100 characters/],
  [['retry', ID, '--reason', 'a\nb'], /--reason must be a text .* without control characters/],
  [['send', ID, '--reason', 'x'], /send needs --to default or --to fallback/],
  [['send', ID, '--reason', 'x', '--to', 'other'], /not "other"/],
  [['send', ID, '--to', 'default'], /send needs --reason/],
  [['give-up', ID], /give-up needs --reason/],
  [['give-up', ID, '--reason', 'x', '--to', 'default'], /give-up takes no --to/],
  [['journal'], /journal needs the file of a journal/],
  [['journal', 'x', '--admin', 'a:1'], /journal takes no --admin/],
];

test('a wrong word ends the command with 2 and one line that names it', async () => {
  for (const [words, says] of WRONG) {
    const { code, out, err } = await payments(words);
    assert.equal(code, 2, `${words.join(' ')}: ${err}`);
    assert.equal(out, '');
    assert.match(err, says);
    assert.equal(err.trimEnd().split('\n').length, 1, err);
  }
});

test('a token that no header can have is named, and not shown', async () => {
  const { code, err } = await payments(['list', '--admin', '/a'], { ADMIN_TOKEN: 'se cret' });
  assert.equal(code, 2);
  assert.match(err, /^ADMIN_TOKEN has characters/);
  assert.doesNotMatch(err, /cret/);
});
