// Two runs on one page: the table of differences, and their graphs over each other.

import type { Row } from '../difference.ts';
import { money } from '../printed.ts';
import type { Result } from '../result.ts';
import { document } from '../../page/document.ts';
import { graph, type Graph } from '../../page/graph.ts';
import { backlogCurve, p99Curve, settledRates, timesOf } from './graphs.ts';
import { histogram } from './histogram.ts';
import { html, table, type Html } from '../../page/html.ts';
import { STAGES_ABOUT, stagesOf } from './stages.ts';

export const NOISE_ABOUT =
  'Two runs alone say little about noise: another run of the same program differs too. For ' +
  'latencies the seconds of both runs are compared pair by pair (a sign test at 1 %): that shows ' +
  'whether a difference goes through the whole run. It does not show whether the machine was as ' +
  'quiet both times: repeat both in turns. When three or more runs of the same commit and test are ' +
  'kept, the other figures are compared with their range.';

/** "3.41", "16,752", "380,035.87", with a sign for a difference. */
export function rowText(as: Row['as'], value: number | null, isDifference = false): string {
  if (value === null) return '–';
  const plain = numberText(as, Math.abs(value));
  const isZero = !/[1-9]/.test(plain);
  if (isZero) return plain;
  const sign = isDifference ? '+' : '';
  return (value < 0 ? '-' : sign) + plain;
}

function numberText(as: Row['as'], value: number): string {
  switch (as) {
    case 'cents':
      return money(value);
    case 'count':
      return Math.round(value).toLocaleString('en-US');
    case 'percent':
      return `${value.toFixed(2)} %`;
    case 'ms':
      return value.toFixed(2);
  }
}

export const cellsOf = ({ what, as, a, b, difference, noise }: Row): string[] => [
  as === 'ms' ? `${what}, ms` : what,
  rowText(as, a),
  rowText(as, b),
  rowText(as, difference, true),
  noise,
];

export const HEAD = ['figure', 'A', 'B', 'B − A', 'noise'];

export interface Compared {
  readonly a: Result;
  readonly b: Result;
  readonly rows: readonly Row[];
  /** Why the runs should not be compared; null: they can be. */
  readonly mismatch: string | null;
}

export function comparePage({ a, b, rows, mismatch }: Compared): string {
  const names = [`A: ${a.name}`, `B: ${b.name}`] as const;
  const warning =
    mismatch === null
      ? html``
      : html`<p class="warn">
          <b>Different tests:</b> ${mismatch}. Few of these figures can be compared.
        </p>`;
  const about = (what: string, of: (run: Result) => string): string[] => [what, of(a), of(b)];
  const rowsAbout = [
    about('run', ({ name }) => name),
    about('commit', ({ surroundings: { commit, isDirty } }) =>
      isDirty ? `${commit} and changes` : commit,
    ),
    about('versions', ({ surroundings: { node, k6 } }) => `Node.js ${node}, k6 ${k6}`),
    about('machine', ({ surroundings: { cpu, cores } }) => `${cpu}, ${cores} cores`),
    about('load before', ({ surroundings }) => surroundings.loadAverage.toFixed(2)),
    about('settings', ({ surroundings: { settings } }) =>
      Object.entries(settings ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ),
  ];
  const body = html`<p class="soft">npm run k6:compare</p>
    <h1>Two runs of ${a.plan.name}</h1>
    ${warning}${table(['', 'A', 'B'], rowsAbout, 'fitted')}
    <h2>Differences</h2>
    ${table(HEAD, rows.map(cellsOf), 'folded')}
    <p class="note">${NOISE_ABOUT}</p>
    <h2>Over time</h2>
    ${graphsOf(a, b, names)}
    ${histogram([a, b].map((run, index) => ({ name: names[index] ?? '', tone: index === 0 ? 'a' : 'b', bars: run.series.histogram, latency: run.latency.payments })))}`;
  return document(`${a.name} and ${b.name}`, body);
}

function graphsOf(a: Result, b: Result, names: readonly [string, string]): Html[] {
  const untilMs = Math.max(a.plan.durationMs, b.plan.durationMs);
  const shared = { untilMs, stages: stagesOf(a.plan.stages, untilMs) };
  const looks = [
    { name: names[0], tone: 'a' },
    { name: names[1], tone: 'b', isDashed: true },
  ] as const;
  const both = <T>(of: (run: Result, look: (typeof looks)[number]) => T): T[] => [
    of(a, looks[0]),
    of(b, looks[1]),
  ];
  const graphs: Graph[] = [
    {
      ...shared,
      title: 'Backlog',
      unit: 'payments',
      sets: both((run, look) => backlogCurve(run.series, look)),
      about: `Taken, and not charged yet by a processor. ${STAGES_ABOUT}`,
    },
    {
      ...shared,
      title: 'Settled',
      unit: 'payments per second',
      sets: both(({ series }, look) => ({
        atMs: timesOf(series.points),
        curves: [{ ...look, values: settledRates(series.points) }],
      })),
      about: `By both processors together. ${STAGES_ABOUT}`,
    },
    {
      ...shared,
      title: 'p99 of accepted payments',
      unit: 'ms, logarithmic',
      isLogarithmic: true,
      sets: both((run, look) => p99Curve(run.series, look)),
      about: `In each second of the runs. ${STAGES_ABOUT}`,
    },
  ];
  return graphs.map(graph);
}
