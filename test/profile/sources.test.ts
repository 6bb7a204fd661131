// A profile of compiled code shows the TypeScript sources, with their lines.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROJECT, Sources, type HeapProfile } from '../../tools/profile/sources.ts';
import { profiled } from './profiled.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMPILED = new URL('../../src/cents.js', import.meta.url);
const CALLED = 'decimalFromCents';
const SCRIPT = `
  import { ${CALLED} } from '${COMPILED.href}';
  process.once('SIGUSR2', () => {
    let length = 0;
    for (let cents = 0; cents < 300_000; cents++) length += ${CALLED}(cents).length;
    process.exit(length > 0 ? 0 : 1);
  });
  setInterval(() => {}, 1000);
  process.stdout.write('ready');
`;

/** Where the function is in a file; from 1. */
function placeIn(text: string): { readonly line: number; readonly column: number } {
  const lines = text.split('\n');
  const index = lines.findIndex((line) => line.includes(`function ${CALLED}(`));
  return { line: index + 1, column: (lines[index] ?? '').indexOf('(') + 1 };
}

const source = placeIn(readFileSync(join(ROOT, 'src/cents.ts'), 'utf8'));

type Node = HeapProfile['head'];

const framesOf = (node: Node): Node['callFrame'][] => [
  node.callFrame,
  ...node.children.flatMap(framesOf),
];

test('a heap profile has the source and the line of a function', async () => {
  const { profile, path } = await profiled<HeapProfile>(SCRIPT, 'mjs');
  const { head } = profile;
  const at = placeIn(readFileSync(COMPILED, 'utf8'));
  const before = framesOf(head).filter(({ url }) => url === COMPILED.href);
  assert.ok(before.some(({ lineNumber }) => lineNumber === at.line - 1));
  new Sources(ROOT).renameHeap(head);
  const frames = framesOf(head);
  assert.ok(!frames.some(({ url }) => url === COMPILED.href));
  const found = frames.filter(({ url }) => url === `${PROJECT}/src/cents.ts`);
  assert.ok(
    found.some(({ lineNumber }) => lineNumber === source.line - 1),
    JSON.stringify(found),
  );
  // The script has no map and is elsewhere.
  assert.ok(frames.some(({ url }) => url === path));
});

test('the frames of a flame graph have the source, and others stay as they are', () => {
  const { line, column } = placeIn(readFileSync(COMPILED, 'utf8'));
  const names = [
    `${CALLED} ${COMPILED.href}:${line}:${column}`,
    ` ${COMPILED.href}:${line}:${column}`,
    `get from ${ROOT}node_modules/undici/index.js:3:4`,
    'emit node:events:465:44',
    'onread /elsewhere/a b.js:1:2',
    '/usr/lib/libc.so.6',
    'v8::internal::Call [CPP]',
  ];
  const stacks = [names.map((name) => ({ name }))];
  new Sources(ROOT).renameStacks(stacks);
  const place = `${PROJECT}/src/cents.ts:${source.line}:${source.column}`;
  assert.deepEqual(
    stacks.flat().map(({ name }) => name),
    [
      `${CALLED} ${place}`,
      ` ${place}`,
      `get from ${PROJECT}/node_modules/undici/index.js:3:4`,
      ...names.slice(3),
    ],
  );
});
