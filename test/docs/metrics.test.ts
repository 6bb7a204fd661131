// The metrics: what the alert rules and the dashboard ask for exists, and the operations guide has
// all of them, and no other.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import type { Membership } from '../../src/membership/membership.ts';
import { LoopDelay } from '../../src/metrics/loop-delay.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { fileBytes } from '../buffer/held-model.ts';
import { loneEngine, REQUIRED_SETTINGS } from '../buffer/lone-engine.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly gridPos: { readonly x: number; readonly w: number };
    readonly datasource?: { readonly uid: string };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly type: string }[] };
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

const read = (file: string): string => readFileSync(file, 'utf8');

function metricsText(): string {
  const clock = new VirtualClock();
  const engine = loneEngine({ sync: 'never', clock, file: new MemoryJournalFile(fileBytes(5)) });
  const config = readConfig(REQUIRED_SETTINGS);
  const awayPeers = { answers: [[1, true]] };
  const membership = { state: 'agreed', ledgerProblem: '', awayPeers } as unknown as Membership;
  const loop = new LoopDelay(() => clock.elapsed());
  return new Metrics({ config, engine, membership, clock, loop }).text();
}

const text = metricsText();
const families = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name));
const samples = new Set([...text.matchAll(/^(\w+)(?:\{| )/gm)].map(([, name = '']) => name));
const dashboard = JSON.parse(read('monitoring/grafana-dashboard.json')) as Dashboard;
const rules = parse(read('monitoring/alerts.yml')) as Rules;

const namesIn = (expression: string): string[] =>
  [...expression.matchAll(/\b(?:repasse|process)_\w+/g)].map(([name]) => name);

test('each metric that an alert rule or the dashboard asks for exists', () => {
  const expressions = [
    ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ];
  assert.ok(expressions.length > 40, String(expressions.length));
  for (const expression of expressions) {
    for (const name of namesIn(expression)) assert.ok(samples.has(name), `${name}: ${expression}`);
  }
});

test('the dashboard shows every metric', () => {
  const shown = new Set(
    dashboard.panels
      .flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr)))
      .map((name) => name.replace(/_bucket$/, '')),
  );
  assert.deepEqual(shown, families);
});

test('the dashboard takes its data source from a variable, and its panels fit', () => {
  const { panels, templating } = dashboard;
  assert.ok(templating.list.some(({ type }) => type === 'datasource'));
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const { gridPos, datasource, targets } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24);
    if (targets !== undefined) assert.equal(datasource?.uid, '${datasource}');
  }
});

test('the operations guide has every metric, and no other', () => {
  const [, chapter = ''] = read('docs/OPERATIONS.md').split('\n| metric | ');
  const rows = chapter.split('\n\n')[0]?.match(/^\| `.*$/gm) ?? [];
  const written = rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+)[^`]*`/g)].map(([, name = '']) => name),
  );
  assert.deepEqual(new Set(written), families);
});
