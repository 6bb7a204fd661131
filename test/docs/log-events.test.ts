// Every log event of the program is in docs/OPERATIONS.md, and no other.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const EVENT = /(?:log\.|#)(?:info|warn|error)\(\s*'([^']+)'|(?:begins|ends): '([^']+)'/g;
const DROPPED = /logger\.error\([^']*'([^']+)'/g;
const BOTH = /const \[begins, ends\] = \['([^']+)', '([^']+)'\]/g;

test('the operations guide has every log event, and no other', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const code = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join('src', file), 'utf8'))
    .join('\n');
  const logged = [EVENT, BOTH, DROPPED]
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .flatMap(([, ...events]) => events)
    .filter((event) => event !== undefined);
  const [, chapter = ''] = readFileSync('docs/OPERATIONS.md', 'utf8').split('## Log events');
  const rows = chapter.split('\n## ')[0]?.match(/^\| `.*$/gm) ?? [];
  const written = rows.flatMap((row) => {
    return [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, event]) => event);
  });
  assert.deepEqual(new Set(written), new Set(logged));
});
