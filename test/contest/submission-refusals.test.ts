// What `npm run submission` refuses before it writes anything: options that make no submission, and
// a folder that has other files.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeTempDirectory } from '../world/temp-directory.ts';

const COMMAND = fileURLToPath(new URL('../../tools/contest/submission.js', import.meta.url));

function refusal(directory: string, ...words: readonly string[]): string {
  const args = [COMMAND, '--repository', 'someone/repasse', '--offline', '--output', directory];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, ...words], {
    encoding: 'utf8',
  });
  assert.equal(status, 2, stdout + stderr);
  assert.equal(stdout, '');
  return stderr.split('\n')[0] ?? '';
}

const OPTIONS: readonly (readonly [string, string, string])[] = [
  ['--repository', 'someone', 'submission: --repository is "someone", must be owner/name'],
  ['--name', ' ', 'submission: --name is empty'],
  ['--test', 'soak', 'submission: --test is "soak", must be preview or final'],
  [
    '--image',
    'ghcr.io/Someone/repasse:1',
    'submission: --image is "ghcr.io/Someone/repasse:1", must be registry/path:tag in lower case',
  ],
  [
    '--image',
    'ghcr.io/someone/repasse',
    'submission: --image is "ghcr.io/someone/repasse", must be registry/path:tag in lower case',
  ],
  [
    '--social',
    'https://example.com/a,me',
    'submission: --social has "me", must be https:// addresses with commas',
  ],
  ['--social', '', 'submission: --social has "", must be https:// addresses with commas'],
];

for (const [option, value, line] of OPTIONS) {
  test(`${option} may not be "${value}"`, () => {
    const directory = makeTempDirectory();
    assert.equal(refusal(directory, option, value), line);
    assert.deepEqual(readdirSync(directory), []);
  });
}

test('a folder with another file in it is left as it is', () => {
  const directory = makeTempDirectory();
  writeFileSync(join(directory, 'README.md'), 'Something else');
  writeFileSync(join(directory, 'package.json'), '{}');
  assert.equal(
    refusal(directory),
    `submission: ${directory} has package.json, which is no part of a submission: nothing written`,
  );
  assert.deepEqual(readdirSync(directory).toSorted(), ['README.md', 'package.json']);
  assert.equal(readFileSync(join(directory, 'README.md'), 'utf8'), 'Something else');
});
