// A chart of the last minutes as SVG: lines, or areas on top of each other, with a legend that
// shows the newest values, or those under the pointer. The arrow keys move as the pointer does.

import { byId, element, setText } from './dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 190;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 8, 10, 22];
const BAND = 8;

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** A round number that is not below. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

export class Chart {
  #options;
  #svg = shape('svg', { role: 'img', tabindex: 0, height: HEIGHT });
  #legend = element('ul', { class: 'legend' });
  #when = element('p', { class: 'when note' }, '');
  #columns = [];
  #bands = [];
  #newest = 0;
  #at;

  /**
   * `series`: { name, column, color }; `bands`: { name, column }, drawn below where it is above 0.
   * `isStacked`: areas; `isShare`: in percent of all. `format` makes a value text.
   */
  constructor(options) {
    this.#options = { bands: [], least: 1, ...options };
    const { id, title } = options;
    const heading = element('h2', { id: `${id}-title` }, title);
    const card = element('section', { class: 'card', 'aria-labelledby': `${id}-title`, id });
    card.append(heading, this.#svg, this.#when, this.#legend);
    byId('charts').append(card);
    this.#svg.addEventListener('pointermove', (event) => this.#point(event));
    this.#svg.addEventListener('pointerleave', () => this.#show(undefined));
    this.#svg.addEventListener('blur', () => this.#show(undefined));
    this.#svg.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(card);
  }

  update(seconds, length) {
    const { series, bands, isShare } = this.#options;
    this.#columns = series.map(({ column }) => seconds.column(column, length));
    this.#bands = bands.map(({ column }) => seconds.column(column, length));
    if (isShare) this.#columns = sharesOf(this.#columns);
    this.#newest = seconds.newest;
    this.#draw();
  }

  get #length() {
    return this.#columns[0]?.length ?? 0;
  }

  #draw() {
    const width = this.#svg.clientWidth;
    if (width === 0 || this.#length === 0) return;
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    const { series, isStacked, isShare, least } = this.#options;
    const tops = isStacked ? stacked(this.#columns) : this.#columns;
    const largest = Math.max(least, ...tops.flat().filter((value) => value !== null));
    const most = isShare ? 100 : roundUp(largest);
    const bottom = HEIGHT - BOTTOM - this.#bands.length * BAND;
    const x = (at) => LEFT + (at * (width - LEFT - RIGHT)) / Math.max(1, this.#length - 1);
    const y = (value) => bottom - (Math.min(value, most) / most) * (bottom - TOP);
    const parts = this.#axes(width, most, y);
    // The first one is drawn last, on top of the others.
    for (const index of [...series.keys()].toReversed()) {
      const floor = isStacked ? (tops[index - 1] ?? null) : null;
      const d = isStacked ? areaOf(tops[index], floor, x, y) : lineOf(tops[index], x, y);
      const kind = isStacked ? 'area' : 'line';
      parts.push(shape('path', { class: `${kind} ${series[index].color}`, d }));
    }
    for (const [index, column] of this.#bands.entries()) {
      const top = bottom + 2 + index * BAND;
      parts.push(shape('path', { class: 'track', d: `M${x(0)} ${top + 3}H${width - RIGHT}` }));
      const d = column.map((value, at) => (value > 0 ? `M${x(at) - 1} ${top + 3}h3` : '')).join('');
      parts.push(shape('path', { class: 'band', d }));
    }
    if (this.#at !== undefined) {
      const d = `M${x(this.#at)} ${TOP}V${bottom}`;
      parts.push(shape('path', { class: 'cursor', d }));
    }
    this.#svg.replaceChildren(...parts);
    this.#showLegend();
  }

  #axes(width, most, y) {
    const parts = [];
    const { format } = this.#options;
    for (const part of [0, 0.5, 1]) {
      const at = y(part * most);
      parts.push(shape('path', { class: 'grid', d: `M${LEFT} ${at}H${width - RIGHT}` }));
      const label = shape('text', { x: LEFT - 6, y: at + 4, 'text-anchor': 'end' });
      label.textContent = format(part * most);
      parts.push(label);
    }
    const minutes = this.#length / 60;
    const labels = [
      [LEFT, 'start', `${minutes} min ago`],
      [width - RIGHT, 'end', 'now'],
    ];
    for (const [at, anchor, text] of labels) {
      const label = shape('text', { x: at, y: HEIGHT - 5, 'text-anchor': anchor });
      label.textContent = text;
      parts.push(label);
    }
    return parts;
  }

  #showLegend() {
    const { series, bands, title, format } = this.#options;
    const at = this.#at ?? this.#latest();
    const texts = series.map(({ name }, index) => {
      const value = this.#columns[index][at] ?? null;
      return [name, value === null ? '–' : format(value)];
    });
    if (this.#legend.children.length === 0) {
      const items = series.map(({ color, name }) =>
        element(
          'li',
          {},
          element('span', { class: `swatch ${color}` }),
          `${name} `,
          element('b', {}),
        ),
      );
      for (const { name } of bands) {
        items.push(element('li', {}, element('span', { class: 'swatch band' }), name));
      }
      this.#legend.append(...items);
    }
    for (const [index, [, text]] of texts.entries()) {
      setText(this.#legend.children[index].querySelector('b'), text);
    }
    const when = new Date((this.#newest - this.#length + 1 + at) * 1_000);
    setText(this.#when, this.#at === undefined ? '' : `at ${when.toLocaleTimeString('en-GB')}`);
    const said = texts.map(([name, text]) => `${name} ${text}`).join(', ');
    this.#svg.setAttribute('aria-label', `${title}: ${said}`);
  }

  /** The newest place with a value; of the newest second one instance may not have told yet. */
  #latest() {
    return Math.max(0, this.#length - 2);
  }

  #point({ offsetX }) {
    const width = this.#svg.clientWidth - LEFT - RIGHT;
    const at = Math.round(((offsetX - LEFT) / width) * (this.#length - 1));
    this.#show(Math.min(this.#length - 1, Math.max(0, at)));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === 'Escape') this.#show(undefined);
    if (step === undefined) return;
    event.preventDefault();
    const from = this.#at ?? this.#length - 1;
    this.#show(Math.min(this.#length - 1, Math.max(0, from + step)));
  }

  #show(at) {
    this.#at = at;
    this.#draw();
  }
}

function stacked(columns) {
  let below = columns[0]?.map(() => 0) ?? [];
  return columns.map((column) => {
    const tops = column.map((value, at) => (value === null ? null : value + (below[at] ?? 0)));
    below = tops.map((top, at) => top ?? below[at]);
    return tops;
  });
}

function sharesOf(columns) {
  const sums = columns[0]?.map((_, at) => columns.reduce((sum, of) => sum + (of[at] ?? 0), 0));
  return columns.map((column) =>
    column.map((value, at) => (sums[at] > 0 ? (100 * (value ?? 0)) / sums[at] : null)),
  );
}

function lineOf(column, x, y) {
  let isDrawing = false;
  let d = '';
  for (const [at, value] of column.entries()) {
    if (value !== null) d += `${isDrawing ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    isDrawing = value !== null;
  }
  return d;
}

/** The area between `tops` and `floor`; one for each run of values. */
function areaOf(tops, floor, x, y) {
  const corner = (at, value) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  let d = '';
  let run = [];
  for (const [at, top] of [...tops, null].entries()) {
    if (top !== null) {
      run.push(at);
    } else if (run.length > 0) {
      const upper = run.map((place) => corner(place, tops[place]));
      const lower = run.map((place) => corner(place, floor?.[place] ?? 0)).toReversed();
      d += `M${[...upper, ...lower].join('L')}Z`;
      run = [];
    }
  }
  return d;
}
