// An image's name is read as Docker reads it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readImageName } from '../../tools/contest/submission/image-name.ts';

/** As "host path tag". */
const NAMES: Readonly<Record<string, string>> = {
  'registry.example/someone/repasse:0.1.0': 'registry.example someone/repasse 0.1.0',
  'registry.example:5000/repasse:1': 'registry.example:5000 repasse 1',
  'localhost/someone/repasse:1': 'localhost someone/repasse 1',
  'localhost:5000/a/b/c__d/e--f:1': 'localhost:5000 a/b/c__d/e--f 1',
  'registry.example:5000/repasse': 'registry.example:5000 repasse ',
};

for (const [text, read] of Object.entries(NAMES)) {
  test(`image name ${text}`, () => {
    const { host, path, tag } = readImageName(text) ?? {};
    assert.equal(`${host} ${path} ${tag}`, read);
  });
}

test('a name without a registry is at the default one, and without an owner in its library', () => {
  const short = readImageName('nginx:1.28.0-bookworm');
  assert.equal(short?.path, 'library/nginx');
  assert.equal(readImageName('someone/repasse:1')?.path, 'someone/repasse');
  for (const long of [
    'docker.io/nginx:1.28.0-bookworm',
    'docker.io/library/nginx:1.28.0-bookworm',
  ]) {
    assert.deepEqual(readImageName(long), short);
  }
});

const NOT_NAMES = [
  '',
  ' ',
  'a b',
  'a:',
  ':1',
  'a:b:c',
  '/a',
  'a//b',
  'a/',
  '-a',
  'a_',
  'a..b',
  'Nginx:1',
  'ghcr.io/Someone/repasse:1',
  'a:.1',
  `a:${'1'.repeat(129)}`,
  'a:1\n',
  'a\n:1',
  '${IMAGE}:1',
  'http://registry.example/a:1',
  'user@registry.example/a:1',
  'a?b',
  'a/../b',
];

for (const text of NOT_NAMES) {
  test(`${JSON.stringify(text)} is no name of an image`, () => {
    assert.equal(readImageName(text), undefined);
  });
}
