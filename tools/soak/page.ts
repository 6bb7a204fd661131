// The report of a soak as a page: the verdicts, and a graph of each series.

import { document, tile } from '../page/document.ts';
import { graph, type Curves } from '../page/graph.ts';
import { html, table, type Html } from '../page/html.ts';
import { TONES } from '../page/tones.ts';
import type { Figure, Judged } from './figures.ts';

export interface SoakReport {
  readonly title: string;
  readonly minutes: number;
  /** Figures of the run, with what they say. */
  readonly tiles: readonly (readonly [value: string, what: string])[];
  readonly figures: readonly Figure[];
  readonly judged: readonly Judged[];
  /** Lines about the rest: kills, answers, the audit. */
  readonly lines: readonly string[];
}

const shown = (value: number): string =>
  Number.isNaN(value) ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: 1 });

export function soakPage({ title, minutes, tiles, figures, judged, lines }: SoakReport): string {
  const untilMs = minutes * 60_000;
  const rows = judged.map(({ what, unit, growth }) => [
    what,
    verdictOf(growth.verdict),
    `${shown(growth.from)} to ${shown(growth.to)} ${unit}`,
  ]);
  const graphs = figures.map((figure) => graphOf(figure, untilMs));
  return document(
    title,
    html`<h1>${title}</h1>
      <div class="tiles">${tiles.map(([value, what]) => tile(value, what))}</div>
      <ul class="found">
        ${lines.map((line) => html`<li>${line}</li>`)}
      </ul>
      <h2>Does anything grow?</h2>
      <p class="note">
        After the warm-up, a third of the run: medians of its first and its last minutes. The
        criterion is in docs/LOAD-TESTS.md.
      </p>
      ${table(['series', 'verdict', 'from, to'], rows)}
      <h2>Over the time</h2>
      ${graphs}`,
  );
}

const verdictOf = (verdict: string): Html =>
  html`<b class="${verdict === 'grows' ? 'bad' : 'good'}">${verdict}</b>`;

const lastOf = ({ points }: Figure['series'][number]): number => points.at(-1)?.value ?? 0;

/** The largest ones: as many as there are tones. */
function graphOf({ title, unit, about, series }: Figure, untilMs: number): Html {
  const largest = series.toSorted((one, other) => lastOf(other) - lastOf(one));
  const sets = TONES.flatMap((tone, index): Curves[] => {
    const one = largest[index];
    if (one === undefined) return [];
    const { name, points } = one;
    const curve = { name, tone, values: points.map(({ value }) => value) };
    return [{ atMs: points.map(({ atMs }) => atMs), curves: [curve] }];
  });
  return graph({ title, unit, about, untilMs, sets: joined(sets) });
}

/** Curves over the same times have one table of numbers. */
function joined(sets: readonly Curves[]): readonly Curves[] {
  const [first] = sets;
  if (first === undefined || sets.some(({ atMs }) => atMs.length !== first.atMs.length))
    return sets;
  return [{ atMs: first.atMs, curves: sets.flatMap(({ curves }) => curves) }];
}
