// A chart over the seconds of a run as inline SVG, with the processors' stages behind it.
import type { Stage } from './plan.ts';

export interface Series {
  readonly name: string;
  /** Of the page's style sheet. */
  readonly className: string;
  /** One value per second; null leaves a gap. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  readonly scale: 'linear' | 'logarithmic';
  readonly series: readonly Series[];
  readonly stages: readonly Stage[];
}

const WIDTH = 960;
const HEIGHT = 240;
/** Left of the plot stand the numbers, above it the stages, below it the seconds. */
const LEFT = 48;
const TOP = 34;
const RIGHT = WIDTH - 16;
const BOTTOM = HEIGHT - 22;
const LOG_FLOOR = 0.1;

export const escapeText = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const round = (value: number): string => value.toFixed(1);

/** 1, 2 or 5 times a power of ten, so that about five of them reach `max`. */
export function tickStep(max: number): number {
  const rough = Math.max(max, Number.MIN_VALUE) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

function ticksOf(scale: Chart['scale'], max: number): number[] {
  if (scale === 'logarithmic') {
    const decades = Math.max(1, Math.ceil(Math.log10(Math.max(max, LOG_FLOOR) / LOG_FLOOR)));
    return Array.from({ length: decades + 1 }, (_, decade) => LOG_FLOOR * 10 ** decade);
  }
  const step = tickStep(Math.max(max, 1));
  return Array.from({ length: Math.ceil(Math.max(max, 1) / step) + 1 }, (_, i) => i * step);
}

export function chartSvg({ title, scale, series, stages }: Chart): string {
  const seconds = Math.max(1, ...series.map(({ values }) => values.length));
  let max = 0;
  for (const { values } of series) for (const value of values) max = Math.max(max, value ?? 0);
  const ticks = ticksOf(scale, max);
  const top = ticks.at(-1) ?? 1;
  const x = (second: number): number => LEFT + ((RIGHT - LEFT) * second) / seconds;
  const share = (value: number): number =>
    scale === 'linear'
      ? value / top
      : Math.log10(Math.max(value, LOG_FLOOR) / LOG_FLOOR) / Math.log10(top / LOG_FLOOR);
  const y = (value: number): number => BOTTOM - (BOTTOM - TOP) * share(value);

  const parts = [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(title)}">`,
    ...stageBands(stages, seconds, x),
    ...ticks.map(
      (tick) =>
        `<path class="grid" d="M${LEFT} ${round(y(tick))}H${RIGHT}"/>` +
        `<text class="tick" x="${LEFT - 6}" y="${round(y(tick) + 4)}" text-anchor="end">` +
        `${Number(tick.toPrecision(3))}</text>`,
    ),
    ...secondLabels(seconds, x),
    ...series.map(
      ({ className, values }) => `<path class="line ${className}" d="${pathOf(values, x, y)}"/>`,
    ),
    ...hoverColumns(series, seconds, x),
    '</svg>',
  ];
  const legend = series.map(
    ({ name, className }) => `<span class="key ${className}">${escapeText(name)}</span>`,
  );
  return `<figure><figcaption>${escapeText(title)} ${legend.join(' ')}</figcaption>${parts.join('')}</figure>`;
}

function pathOf(
  values: readonly (number | null)[],
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  let drawing = false;
  let path = '';
  values.forEach((value, second) => {
    if (value !== null) {
      path += `${drawing ? 'L' : 'M'}${round(x(second + 0.5))} ${round(y(value))}`;
    }
    drawing = value !== null;
  });
  return path;
}

function stageBands(stages: readonly Stage[], seconds: number, x: (s: number) => number): string[] {
  return stages.map(({ atMs, levers }, index) => {
    const from = x(Math.min(seconds, Math.max(0, atMs / 1_000)));
    const until = x(Math.min(seconds, (stages[index + 1]?.atMs ?? seconds * 1_000) / 1_000));
    const [onDefault, onFallback] = levers.map(({ delayMs, failing }) =>
      failing ? `✗ ${delayMs}` : `${delayMs}`,
    );
    const dead = levers[0].failing ? ' dead' : '';
    return (
      `<rect class="stage${dead}" x="${round(from)}" y="${TOP}" ` +
      `width="${round(Math.max(0, until - from))}" height="${BOTTOM - TOP}"/>` +
      `<text class="tick" x="${round(from + 3)}" y="12">D ${onDefault}</text>` +
      `<text class="tick" x="${round(from + 3)}" y="26">F ${onFallback}</text>`
    );
  });
}

function secondLabels(seconds: number, x: (second: number) => number): string[] {
  const step = Math.max(1, tickStep(seconds * 0.6));
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
    const second = index * step;
    return `<text class="tick" x="${round(x(second))}" y="${HEIGHT - 6}" text-anchor="middle">${second} s</text>`;
  });
}

/** Invisible, one per second: pointing at it tells the values. */
function hoverColumns(
  series: readonly Series[],
  seconds: number,
  x: (second: number) => number,
): string[] {
  const width = round(x(1) - x(0));
  return Array.from({ length: seconds }, (_, second) => {
    const values = series.map(({ name, values: all }) => {
      const value = all[second] ?? null;
      return `${name} ${value === null ? '–' : Number(value.toFixed(2))}`;
    });
    const told = escapeText(`second ${second}: ${values.join(', ')}`);
    return `<rect class="hover" x="${round(x(second))}" y="${TOP}" width="${width}" height="${BOTTOM - TOP}"><title>${told}</title></rect>`;
  });
}
