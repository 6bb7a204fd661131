// The table "What happens to a payment, in ten calls" of docs/ARCHITECTURE.md: each call is a
// method of its file, and the file where it is called knows that class or function by an import. So
// a reader gets from one call to the next by "go to definition".

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { test } from 'node:test';

interface Call {
  /** '' for a function. */
  readonly className: string;
  readonly method: string;
  readonly file: string;
  readonly calledIn: string;
}

const ROW =
  /^\| \d+ \| `(?:(\w+)\.)?(\w+)` \| `([\w/.-]+)` \| `([\w/.-]+)` \| .*?(?:port: `(\w+)`.*)?\|$/gm;

const calls: readonly (Call & { readonly port: string })[] = [
  ...readFileSync('docs/ARCHITECTURE.md', 'utf8').matchAll(ROW),
].map(([, className = '', method = '', file = '', calledIn = '', port = '']) => {
  return { className, method, file, calledIn, port };
});

test('there are ten calls, from the bytes of the body to the free slot', () => {
  assert.equal(calls.length, 10);
  assert.equal(calls[0]?.method, 'readPayment');
  assert.equal(calls[9]?.method, 'release');
});

for (const { className, method, file, calledIn, port } of calls) {
  test(`${className}.${method} is in its file, and is called where the table says`, () => {
    const code = readFileSync(file, 'utf8');
    const callers = readFileSync(calledIn, 'utf8');
    const known = className === '' ? method : port || className;
    const declared = className === '' ? `export function ${method}(` : `class ${className} `;
    assert.ok(code.includes(declared), declared);
    assert.match(code, new RegExp(`^ *(async |export function )?${method}\\(`, 'm'));
    // The class of a port implements the interface that its callers know.
    if (port !== '') assert.match(code, new RegExp(`(implements|extends) ${port}\\b`));
    assert.match(callers, new RegExp(`${className === '' ? '\\b' : '\\.'}${method}\\(`));
    const ports = dirname(relative(dirname(calledIn), file)).replace(/^(?!\.)/, './');
    const path = `${ports}/${file.split('/').at(-1)}`.replace('././', './');
    const imported = new RegExp(`import [^;]*\\b${known}\\b[^;]*from '${path}'`);
    const isKnown = imported.test(callers) || (port !== '' && /'\.\.\/ports\.ts'/.test(callers));
    assert.ok(isKnown, `${calledIn} imports ${known} from ${path}`);
  });
}
