// Every alert rule is in docs/OPERATIONS.md and has a test. metrics.test.ts knows its metrics.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string }[];
  }[];
}

const read = (file: string): string => readFileSync(file, 'utf8');
const rules = (parse(read('monitoring/alerts.yml')) as Rules).groups.flatMap(
  (group) => group.rules,
);

test('the operations guide has every alert, and no other', () => {
  const written = [...read('docs/OPERATIONS.md').matchAll(/^\| `(Repasse\w+)` +\|/gm)];
  assert.deepEqual(
    new Set(written.map(([, alert]) => alert)),
    new Set(rules.map(({ alert }) => alert)),
  );
});

test('each alert is tested', () => {
  const tests = read('monitoring/alerts.test.yml');
  for (const { alert } of rules) assert.ok(tests.includes(`alertname: ${alert}`), alert);
});
