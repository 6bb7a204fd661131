// The plot of bench:restart: p99 of each second, before and after a kill, one curve for each arm.

export interface Curve {
  readonly name: string;
  readonly colour: string;
  /** By second, from the first one before the kill on; undefined where nothing was answered. */
  readonly p99Ms: readonly (number | undefined)[];
}

const [WIDTH, HEIGHT] = [860, 340];
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 16, 40, 44];
const TICKS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const SECONDS_PER_TICK = 10;

/** `firstSecond` is the first value's second, counted from the kill. */
export function plotOf(title: string, firstSecond: number, curves: readonly Curve[]): string {
  const values = curves.flatMap(({ p99Ms }) => p99Ms.filter((value) => value !== undefined));
  const top = TICKS_MS.find((tick) => tick >= Math.max(...values)) ?? 1_000;
  const bottom = TICKS_MS.findLast((tick) => tick <= Math.min(...values)) ?? 1;
  const seconds = Math.max(...curves.map(({ p99Ms }) => p99Ms.length));
  const x = (second: number): number =>
    LEFT + ((second - firstSecond) / (seconds - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number): number =>
    TOP + (1 - Math.log(ms / bottom) / Math.log(top / bottom)) * (HEIGHT - TOP - BOTTOM);
  const ticks = TICKS_MS.filter((tick) => tick >= bottom && tick <= top).flatMap((tick) => [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}" stroke="#ddd"/>`,
    `<text x="${LEFT - 6}" y="${fixed(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
  ]);
  const last = firstSecond + seconds - 1;
  const first = Math.ceil(firstSecond / SECONDS_PER_TICK) * SECONDS_PER_TICK;
  const times: string[] = [];
  for (let second = first; second <= last; second += SECONDS_PER_TICK) {
    const at = fixed(x(second));
    times.push(`<text x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${second}</text>`);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18" font-size="14">${title}</text>`,
    ...ticks,
    ...times,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">seconds since the kill</text>`,
    `<text x="8" y="${TOP - 8}">p99, ms</text>`,
    `<line x1="${fixed(x(0))}" x2="${fixed(x(0))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="3 3"/>`,
    ...curves.map(
      ({ colour, p99Ms }) =>
        `<path fill="none" stroke="${colour}" stroke-width="1.8" d="${pathOf(p99Ms, firstSecond, { x, y })}"/>`,
    ),
    ...curves.map(
      ({ name, colour }, n) =>
        `<text x="${WIDTH - RIGHT}" y="${TOP - 8 + 16 * n}" text-anchor="end" fill="${colour}">${name}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

interface Scales {
  readonly x: (second: number) => number;
  readonly y: (ms: number) => number;
}

function pathOf(
  values: readonly (number | undefined)[],
  firstSecond: number,
  { x, y }: Scales,
): string {
  let path = '';
  for (const [n, value] of values.entries()) {
    if (value === undefined) continue;
    const isFirst = n === 0 || values[n - 1] === undefined;
    path += `${isFirst ? 'M' : 'L'}${fixed(x(firstSecond + n))} ${fixed(y(value))}`;
  }
  return path;
}

const fixed = (value: number): string => value.toFixed(1);
