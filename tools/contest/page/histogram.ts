// How the latencies are spread: bars of equal width on a logarithmic axis. Two runs are drawn over
// each other, each as shares of its own payments.

import type { Latency } from '../latency.ts';
import type { Bar } from '../series.ts';
import { legend, type Curve } from '../../page/graph.ts';
import { html, type Html } from '../../page/html.ts';
import { linear, logarithmic, tickText } from '../../page/scale.ts';

export interface Spread {
  readonly name: string;
  readonly tone: Curve['tone'];
  readonly bars: readonly Bar[];
  readonly latency: Latency;
}

const SIDE = 1_000;

export function histogram(spreads: readonly Spread[]): Html {
  const all = spreads.flatMap(({ bars }) => bars);
  if (all.length === 0) return html`<p class="soft">No payment was accepted.</p>`;
  const fromMs = Math.min(...all.map((bar) => bar.fromMs));
  const toMs = Math.max(...all.map((bar) => bar.toMs));
  const across = logarithmic(fromMs, toMs);
  const shares = spreads.map(({ bars }) => sharesOf(bars));
  const up = linear(Math.max(...shares.flat()));
  const x = (ms: number): number => SIDE * across.at(ms);
  const y = (share: number): number => SIDE * (1 - up.at(share));
  const bars = spreads.flatMap((spread, index) =>
    spread.bars.map((bar, place) => {
      const share = shares[index]?.[place] ?? 0;
      const [left, width] = [x(bar.fromMs), x(bar.toMs) - x(bar.fromMs)];
      const title = `${tickText(bar.fromMs)} to ${tickText(bar.toMs)} ms: ${bar.count} payments`;
      return html`<rect
        class="bar ${spread.tone}"
        opacity="${spreads.length > 1 ? 0.45 : 0.8}"
        x="${left.toFixed(1)}"
        width="${(width * 0.94).toFixed(1)}"
        y="${y(share).toFixed(1)}"
        height="${(SIDE - y(share)).toFixed(1)}"
        ><title>${title}</title></rect
      >`;
    }),
  );
  const grid = up.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="${SIDE}" y1="${y(tick)}" y2="${y(tick)}" />`,
  );
  const [only] = spreads;
  const marks = spreads.length === 1 && only !== undefined ? marksOf(only.latency, x) : [];
  return html`<figure>
    <h3>Latencies <span class="soft">(% of the accepted payments, by ms)</span></h3>
    ${spreads.length > 1 ? legend([{ atMs: [], curves: spreads.map((each) => ({ ...each, values: [] })) }]) : html``}
    <div class="frame">
      <div class="y">
        ${up.ticks.map((tick) => html`<span style="top:${y(tick) / 10}%">${tickText(tick)}</span>`)}
      </div>
      <div class="plot">
        <svg
          viewBox="0 0 ${SIDE} ${SIDE}"
          preserveAspectRatio="none"
          role="img"
          aria-label="Latencies"
        >
          ${grid}${bars}${marks.map(({ line }) => line)}</svg
        >${marks.map(({ name }) => name)}
      </div>
      <div class="x">
        ${across.ticks.map((tick) => html`<span style="left:${x(tick) / 10}%">${tickText(tick)}</span>`)}
      </div>
    </div>
    <p class="note">
      How many payments were answered in how many ms; the axis is logarithmic. A second hump to the
      right is a group of payments that waited for something: that is what p99 sees.
    </p>
  </figure>`;
}

function sharesOf(bars: readonly Bar[]): number[] {
  const total = bars.reduce((sum, { count }) => sum + count, 0);
  return bars.map(({ count }) => (100 * count) / total);
}

function marksOf(
  { p50Ms, p90Ms, p99Ms }: Latency,
  x: (ms: number) => number,
): { line: Html; name: Html }[] {
  const wanted = [
    ['p50', p50Ms],
    ['p90', p90Ms],
    ['p99', p99Ms],
  ] as const;
  return wanted.flatMap(([name, ms], index) => {
    if (ms === null) return [];
    const at = x(ms);
    return {
      line: html`<line class="at" x1="${at}" x2="${at}" y1="0" y2="${SIDE}" />`,
      name: html`<span
        class="mark"
        style="top:${index * 8 + 1}%;${at > 800 ? `right:${(SIDE - at) / 10}%` : `left:${at / 10}%`}"
        >${name} ${ms.toFixed(2)}</span
      >`,
    };
  });
}
