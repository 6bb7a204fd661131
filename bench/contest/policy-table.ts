// What each policy and each price earns in one of the contest's tests, as a Markdown table.
// docs/MEASUREMENTS.md has the tables of `DOCUMENTED`; test/docs/measurements.test.ts compares
// them.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/config/settings.ts';
import type { ContestTest } from '../../tools/contest/plan.ts';
import { best, OLD_MS, replay, type Knobs, type Result } from './replay.ts';
import { markdownTable } from '../report.ts';

export interface Row {
  readonly name: string;
  readonly knobs: Knobs;
}

export const DOCUMENTED: readonly Row[] = [
  { name: 'thrifty, defaults', knobs: {} },
  { name: 'thrifty, compose file', knobs: composeFile() },
  { name: 'thrifty', knobs: { WAIT_COST_BPS_PER_S: 0 } },
  { name: 'thrifty', knobs: { WAIT_COST_BPS_PER_S: 300 } },
  { name: 'eager', knobs: { POLICY: 'eager' } },
];

const HEAD = [
  'policy',
  'wait bps/s',
  'flight bps/s',
  'probe ms',
  'of all on default',
  'on fallback',
  'left over',
  'mean wait s',
  'p99 wait s',
  `stored after ${OLD_MS / 1_000} s`,
];

/** The line above a test's table. */
export function titleOf({ name, feeBps }: ContestTest): string {
  return `**${name}**, fees ${feeBps.map((fee) => `${fee / 100} %`).join(' and ')}`;
}

export async function tableOf(
  test: ContestTest,
  rows: readonly Row[],
): Promise<{ table: string; results: readonly Result[] }> {
  const lines = [
    bestRow('all-knowing', test, Number.POSITIVE_INFINITY),
    bestRow(`all-knowing, none stored after ${OLD_MS / 1_000} s`, test, OLD_MS),
  ];
  const results: Result[] = [];
  for (const row of rows) {
    const result = await replay(test, row.knobs);
    results.push(result);
    lines.push(lineOf(row, result));
  }
  return { table: markdownTable(HEAD, lines), results };
}

function isNumber(name: string): boolean {
  return Object.hasOwn(SETTINGS, name) && 'preset' in SETTINGS[name as keyof typeof SETTINGS];
}

/**
 * The numbers that docker-compose.yml gives an instance, except for the fees: a test has its own.
 */
function composeFile(): Knobs {
  const { 'x-environment': environment } = parse(readFileSync('docker-compose.yml', 'utf8')) as {
    'x-environment': Readonly<Record<string, string>>;
  };
  const numbers = Object.entries(environment)
    .filter(([name]) => isNumber(name) && !name.startsWith('FEE_'))
    .map(([name, value]) => [name, value.replace(/^\$\{\w+:-(\d+)\}$/, '$1')]);
  return Object.fromEntries(numbers) as Knobs;
}

function lineOf({ name, knobs }: Row, result: Result): string[] {
  const setting = (
    of: 'WAIT_COST_BPS_PER_S' | 'FLIGHT_COST_BPS_PER_S' | 'PROBE_EVERY_MS',
  ): string => (knobs['POLICY'] === 'eager' ? '' : String(knobs[of] ?? SETTINGS[of].preset));
  return [
    name,
    setting('WAIT_COST_BPS_PER_S'),
    setting('FLIGHT_COST_BPS_PER_S'),
    setting('PROBE_EVERY_MS'),
    `${(100 * result.share).toFixed(2)} %`,
    result.onFallback.toLocaleString('en'),
    result.left.toLocaleString('en'),
    result.meanS.toFixed(2),
    result.p99S.toFixed(1),
    result.old.toLocaleString('en'),
  ];
}

/** What a policy that knows the future would earn. */
function bestRow(name: string, test: ContestTest, delayMaxMs: number): string[] {
  const { share, onFallback } = best(test, delayMaxMs);
  const fallback = onFallback.toLocaleString('en');
  return [name, '', '', '', `${(100 * share).toFixed(2)} %`, fallback, '0', '', '', ''];
}
