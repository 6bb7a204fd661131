// Comments wrap at 100 columns. The formatter wraps code and Markdown, and leaves comments alone.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const COLUMNS_MAX = 100;
const PLACES = [
  'src',
  'test',
  'tools',
  'bench',
  'docker',
  'nginx',
  'model',
  '.ci',
  '.github',
  'docker-compose.yml',
];
const OF_ANOTHER_KIND = /\.(?:md|json|html|png|svg)$/;

/** A line that is a comment, or that ends with one. An address can't be wrapped. */
const COMMENT = /^\s*(?:\/\/|\/?\*|#|--)|\s(?:\/\/|\/\*\*?|#|--)\s[^'"`]*$/;
const ADDRESS = /https?:\/\//;

test('no comment is wider than 100 columns', () => {
  const wide: string[] = [];
  for (const file of PLACES.flatMap(filesOf)) {
    for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
      const isWide = line.length > COLUMNS_MAX && COMMENT.test(line) && !ADDRESS.test(line);
      if (isWide) wide.push(`${file}:${index + 1}: ${line.trim()}`);
    }
  }
  assert.deepEqual(wide, []);
});

function filesOf(place: string): string[] {
  if (statSync(place).isFile()) return [place];
  const paths = readdirSync(place, { recursive: true, encoding: 'utf8' });
  return paths
    .map((path) => join(place, path))
    .filter((path) => statSync(path).isFile() && !OF_ANOTHER_KIND.test(path));
}
