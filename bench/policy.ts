// What each policy and each price earns in both of the contest's tests, replayed on virtual time: a table on standard output, a
// plot of the settings as they are in reports/policy.html.
//
//   npm run build && node dist/bench/policy.js [--quick] [NAME=value …]      settings for every row, as in the environment

import { mkdirSync, writeFileSync } from 'node:fs';
import { NUMBER_SETTINGS } from '../src/settings.ts';
import { chartSvg } from '../tools/k6/chart.ts';
import { TESTS, type ContestTest } from '../tools/k6/plan.ts';
import { best, OLD_MS, replay, type Knobs, type Result } from './policy-run.ts';
import { markdownTable } from './report.ts';

const WAITS = [0, 2, 5, 10, 30, 100, 300];
const FLIGHTS = [0, 40, 160, 400];
const PROBES = [100, 500];
const PAGE = 'reports/policy.html';

const HEAD = [
  'policy',
  'wait bps/s',
  'flight bps/s',
  'probe ms',
  'of all on default',
  'on fallback',
  'left over',
  'mean s',
  'p99 s',
  `stored after ${OLD_MS / 1_000} s`,
];

const STYLE = `body{font:14px system-ui;margin:2em auto;max-width:1000px}.line{fill:none;stroke-width:1.5}
.tick{font-size:11px;fill:#777}.grid{stroke:#ddd}.stage{fill:#8881}.stage.dead{fill:#c002}.hover{fill:transparent}
.key{margin-left:1em;border-bottom:2px solid}.default{stroke:#1a7f37;border-color:#1a7f37}
.fallback{stroke:#cf222e;border-color:#cf222e}.waiting{stroke:#8250df;border-color:#8250df}`;

function rows(quick: boolean): Knobs[] {
  const usual = { POLICY: 'thrifty' };
  if (quick) return [usual, { POLICY: 'eager' }];
  const grid = WAITS.flatMap((wait) =>
    FLIGHTS.map((flight) => ({ WAIT_COST_BPS_PER_S: wait, FLIGHT_COST_BPS_PER_S: flight })),
  );
  return [
    usual,
    ...grid,
    ...PROBES.map((probe) => ({ PROBE_EVERY_MS: probe })),
    { POLICY: 'eager' },
  ];
}

function rowOf(knobs: Knobs, result: Result): string[] {
  const setting = (
    name: 'WAIT_COST_BPS_PER_S' | 'FLIGHT_COST_BPS_PER_S' | 'PROBE_EVERY_MS',
  ): string =>
    knobs['POLICY'] === 'eager' ? '' : String(knobs[name] ?? NUMBER_SETTINGS[name].preset);
  return [
    String(knobs['POLICY'] ?? 'thrifty'),
    setting('WAIT_COST_BPS_PER_S'),
    setting('FLIGHT_COST_BPS_PER_S'),
    setting('PROBE_EVERY_MS'),
    `${(100 * result.share).toFixed(2)} %`,
    String(result.onFallback),
    String(result.left),
    result.meanS.toFixed(2),
    result.p99S.toFixed(1),
    String(result.old),
  ];
}

/** The row of one who knows what comes. */
function bestRow(name: string, test: ContestTest, delayMaxMs: number): string[] {
  const { share, onFallback } = best(test, delayMaxMs);
  return [name, '', '', '', `${(100 * share).toFixed(2)} %`, String(onFallback), '0', '', '', ''];
}

function plotOf(test: ContestTest, { waiting, perSecond }: Result): string {
  const seconds = Math.ceil(test.durationMs / 1_000);
  const filled = (counts: readonly number[]): number[] =>
    Array.from({ length: seconds }, (_, second) => counts[second] ?? 0);
  const { stages } = test;
  const stored = [
    { name: 'default', className: 'default', values: filled(perSecond[0]) },
    { name: 'fallback', className: 'fallback', values: filled(perSecond[1]) },
  ];
  const held = [{ name: 'payments', className: 'waiting', values: filled(waiting) }];
  return (
    chartSvg({
      title: `${test.name}: stored per second`,
      scale: 'linear',
      series: stored,
      stages,
    }) + chartSvg({ title: `${test.name}: waiting`, scale: 'linear', series: held, stages })
  );
}

async function compare(test: ContestTest, quick: boolean, given: Knobs): Promise<string> {
  const table = [
    bestRow('all-knowing', test, Number.POSITIVE_INFINITY),
    bestRow(`all-knowing, none stored after ${OLD_MS / 1_000} s`, test, OLD_MS),
  ];
  let plot = '';
  for (const knobs of rows(quick)) {
    const result = await replay(test, { ...given, ...knobs });
    plot ||= plotOf(test, result);
    table.push(rowOf({ ...given, ...knobs }, result));
  }
  console.log(
    `\n**${test.name}**, fees ${test.feeBps.map((fee) => `${fee / 100} %`).join(' and ')}\n`,
  );
  console.log(markdownTable(HEAD, table));
  return plot;
}

const words = process.argv.slice(2);
const settings = words.filter((word) => word.includes('=')).map((word) => word.split('=', 2));
const given: Knobs = Object.fromEntries(settings) as Knobs;
let plots = '';
for (const test of [TESTS.preview, TESTS.final]) {
  plots += await compare(test, words.includes('--quick'), given);
}
mkdirSync('reports', { recursive: true });
writeFileSync(
  PAGE,
  `<!doctype html><meta charset="utf-8"><title>Policy</title><style>${STYLE}</style>${plots}`,
);
console.log(`\n${PAGE}`);
