// A graph over time as HTML and inline SVG. The SVG is stretched to the width of the screen; names
// and numbers are HTML, so that they keep their size on a phone.

import { html, NOTHING, table, type Html } from './html.ts';
import { linear, logarithmic, tickText, type Scale } from './scale.ts';
import type { Tone } from './tones.ts';

export interface Curve {
  readonly name: string;
  readonly tone: Tone;
  /** null: a gap. */
  readonly values: readonly (number | null)[];
  readonly isFilled?: boolean;
  readonly isDashed?: boolean;
}

/** Curves over the same times. */
export interface Curves {
  readonly atMs: readonly number[];
  readonly curves: readonly Curve[];
}

export interface Graph {
  readonly title: string;
  readonly unit: string;
  /** What it shows, in plain words; stands beneath it. */
  readonly about: string;
  readonly untilMs: number;
  readonly sets: readonly Curves[];
  /** Each curve on top of the ones before it. */
  readonly isStacked?: boolean;
  readonly isLogarithmic?: boolean;
  /** What happened when: in the graph behind the curves, and in rows beneath it. */
  readonly stages?: { readonly shades: readonly Html[]; readonly rows: Html };
  /** Moments with a name. */
  readonly marks?: readonly { readonly atMs: number; readonly name: string }[];
}

/** The drawing's own units; it is stretched. */
const SIDE = 1_000;
const HOVERS_MAX = 100;
const TIME_TICKS = 7;
const MARKS_ABOUT = ' At a dotted line a part was killed or paused.';

const shown = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 });

export function graph(drawn: Graph): Html {
  const stacked = drawn.isStacked === true;
  const sets = drawn.sets
    .map((whole) => upTo(whole, drawn.untilMs))
    .map((set) => ({ ...set, tops: stacked ? stackOf(set) : valuesOf(set) }));
  const scale = scaleOf(
    drawn,
    sets.flatMap(({ tops }) => tops.flat()),
  );
  const x = (atMs: number): number => (SIDE * Math.min(atMs, drawn.untilMs)) / drawn.untilMs;
  const y = (value: number): number => SIDE * (1 - scale.at(value));
  const paths = sets.flatMap(({ atMs, curves, tops }) =>
    curves.map((curve, index) => {
      const bottom = stacked ? (tops[index - 1] ?? null) : null;
      return pathsOf(curve, { xs: atMs.map(x), top: tops[index] ?? [], bottom, y });
    }),
  );
  // A curve of a stack that is 0 lies on the one below, which must not vanish under it.
  const inOrder = stacked ? paths.toReversed() : paths;
  const marks = (drawn.marks ?? []).map(
    ({ atMs, name }) =>
      html`<line class="at" x1="${x(atMs)}" x2="${x(atMs)}" y1="0" y2="${SIDE}"
        ><title>${name}</title></line
      >`,
  );
  const grid = scale.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="${SIDE}" y1="${y(tick)}" y2="${y(tick)}" />`,
  );
  const yNames = scale.ticks.map(
    (tick) => html`<span style="top:${y(tick) / 10}%">${tickText(tick)}</span>`,
  );
  return html`<figure>
    <h3>${drawn.title} <span class="soft">(${drawn.unit})</span></h3>
    ${legend(drawn.sets)}
    <div class="frame">
      <div class="y">${yNames}</div>
      <div class="plot">
        <svg
          viewBox="0 0 ${SIDE} ${SIDE}"
          preserveAspectRatio="none"
          role="img"
          aria-label="${drawn.title}"
        >
          ${drawn.stages?.shades ?? []}${grid}${inOrder}${marks}${hovers(drawn, x)}
        </svg>
      </div>
      <div class="x">${timeNames(drawn.untilMs)}</div>
      ${drawn.stages?.rows ?? NOTHING}
    </div>
    <p class="note">${drawn.about}${marks.length > 0 ? MARKS_ABOUT : ''}</p>
    ${values(drawn)}
  </figure>`;
}

/** Without what came after the end. */
function upTo({ atMs, curves }: Curves, untilMs: number): Curves {
  const count = atMs.filter((ms) => ms <= untilMs).length;
  return {
    atMs: atMs.slice(0, count),
    curves: curves.map((curve) => ({ ...curve, values: curve.values.slice(0, count) })),
  };
}

const valuesOf = ({ curves }: Curves): (readonly (number | null)[])[] =>
  curves.map((curve) => curve.values);

function stackOf({ curves }: Curves): (number | null)[][] {
  let below: (number | null)[] = [];
  return curves.map((curve) => {
    below = curve.values.map((value, index) =>
      value === null ? null : value + (below[index] ?? 0),
    );
    return below;
  });
}

function scaleOf({ isLogarithmic }: Graph, all: readonly (number | null)[]): Scale {
  let [least, most] = [Infinity, 0];
  for (const value of all) {
    if (value === null) continue;
    most = Math.max(most, value);
    if (value > 0) least = Math.min(least, value);
  }
  return isLogarithmic && most > 0 ? logarithmic(least * 0.9, most * 1.1) : linear(most);
}

const round = (value: number): string => value.toFixed(1);

interface Drawing {
  readonly xs: readonly number[];
  readonly top: readonly (number | null)[];
  /** The curve below in a stack; null: the axis. */
  readonly bottom: readonly (number | null)[] | null;
  readonly y: (value: number) => number;
}

function pathsOf({ tone, isFilled, isDashed }: Curve, { xs, top, bottom, y }: Drawing): Html {
  const pieces: string[][] = [[]];
  const areas: string[] = [];
  const under: string[] = [];
  const close = (): void => {
    const piece = pieces.at(-1) ?? [];
    if (isFilled && piece.length > 1)
      areas.push(`M${[...piece, ...under.toReversed()].join('L')}Z`);
    under.length = 0;
    if (piece.length > 0) pieces.push([]);
  };
  for (const [index, value] of top.entries()) {
    if (value === null) {
      close();
      continue;
    }
    const x = round(xs[index] ?? 0);
    pieces.at(-1)?.push(`${x} ${round(y(value))}`);
    under.push(`${x} ${round(bottom === null ? SIDE : y(bottom[index] ?? 0))}`);
  }
  close();
  // A piece of one point is a short line.
  const lines = pieces
    .filter(({ length }) => length > 0)
    .map((piece) => `M${piece.length === 1 ? `${piece[0]}h2` : piece.join('L')}`);
  const dashed = isDashed ? ' dashed' : '';
  return html`${areas.map((area) => html`<path class="area ${tone}" d="${area}" />`)}<path
      class="curve ${tone}${dashed}"
      d="${lines.join('')}"
    /> `;
}

/** One column for each time, with all values in its title; not more than HOVERS_MAX. */
function hovers({ sets, untilMs, unit }: Graph, x: (atMs: number) => number): Html[] {
  const [set] = sets;
  if (set === undefined || sets.length > 1) return [];
  const step = Math.ceil(set.atMs.length / HOVERS_MAX);
  return set.atMs.flatMap((atMs, index) => {
    if (index % step !== 0) return [];
    const words = set.curves.map(({ name, values: all }) => {
      const value = all[index] ?? null;
      return `${name}: ${value === null ? '–' : shown(value)}`;
    });
    const width = x(set.atMs[index + step] ?? untilMs) - x(atMs);
    return html`<rect
      class="over"
      x="${x(atMs).toFixed(1)}"
      y="0"
      width="${Math.max(0, width).toFixed(1)}"
      height="${SIDE}"
      ><title>${Math.round(atMs / 1_000)} s (${unit}) ${words.join('\n')}</title></rect
    >`;
  });
}

export function legend(sets: readonly Curves[]): Html {
  const names = sets.flatMap(({ curves }) =>
    curves.map(
      ({ name, tone, isDashed }) =>
        html`<span><i class="${tone}${isDashed ? ' dashed' : ''}"></i>${name}</span>`,
    ),
  );
  return html`<div class="legend">${names}</div>`;
}

function timeNames(untilMs: number): Html[] {
  const scale = linear(untilMs / 1_000, TIME_TICKS);
  const end = scale.at(untilMs / 1_000);
  return scale.ticks
    .filter((tick) => scale.at(tick) <= end)
    .map((tick) => {
      const left = (100 * scale.at(tick)) / end;
      const place = left > 97 ? 'end' : '';
      return html`<span class="${place}" style="left:${left.toFixed(2)}%"
        >${tickText(tick)} s</span
      >`;
    });
}

/** The numbers behind the curves. */
function values({ sets }: Graph): Html {
  const tables = sets.map(({ atMs, curves }) =>
    table(
      ['s', ...curves.map(({ name }) => name)],
      atMs.map((ms, index) => [
        String(Math.round(ms / 1_000)),
        ...curves.map((curve) => {
          const value = curve.values[index] ?? null;
          return value === null ? '–' : shown(value);
        }),
      ]),
    ),
  );
  if (sets.every(({ atMs }) => atMs.length === 0)) return NOTHING;
  return html`<details class="numbers">
    <summary>the numbers</summary>
    ${tables}
  </details>`;
}
