// What happened in each of the last ten minutes' seconds. Once a second the counters are copied
// into a row; differences and percentiles are made when somebody reads. All rows are allocated at
// the start.

import type { Clock } from '../clock.ts';
import type { Engine } from '../engine.ts';
import { PROCESSORS, processorName } from '../payment.ts';
import { STAGES } from '../watch/stages.ts';
import { percentilesMs, type Percentiles } from './percentiles.ts';

/** How far it goes back. */
export const HISTORY_S = 600;
/** Percentiles in a second are those of the observations in so many seconds up to it. */
const WINDOW_S = 10;

/** By name a value for each of `seconds` (since the epoch, ascending); null where nothing is. */
export interface HistoryTable {
  readonly seconds: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

export const NO_HISTORY: HistoryTable = { seconds: [], columns: {} };

/** The histograms in a row. */
export type Timed = 'settle' | 'attempt default' | 'attempt fallback';
const TIMED: readonly Timed[] = ['settle', 'attempt default', 'attempt fallback'];

// A row: second · accepted · refused · rows by processor · stages · failing · histograms.
const ACCEPTED = 1;
const REFUSED = 2;
const ROWS = 3;
const BACKLOG = 5;
const FAILING = BACKLOG + STAGES.length;
const HISTOGRAMS = FAILING + PROCESSORS.length;

export class History {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #buckets: number;
  readonly #width: number;
  readonly #rows: Float64Array;
  #length = 0;
  #next = 0;

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
    this.#buckets = engine.held.settleDurations.counts.length;
    this.#width = HISTOGRAMS + TIMED.length * this.#buckets;
    // One more: the first second shown is a difference, too.
    this.#rows = new Float64Array((HISTORY_S + 1) * this.#width);
  }

  /** Takes a row now, and then at the beginning of each second. */
  start(): void {
    this.#take();
    const untilNextMs = 1_000 - (this.#clock.now() % 1_000);
    this.#clock.after(untilNextMs, () => this.start());
  }

  /** The last `seconds` seconds, fewer if there are fewer. */
  table(seconds: number): HistoryTable {
    const count = Math.min(seconds, this.#length - 1);
    const ages = Array.from({ length: Math.max(0, count) }, (_, index) => count - 1 - index);
    const perSecond = (column: number) => ages.map((age) => this.#rate(age, column));
    const asItWas = (column: number) => ages.map((age) => this.#row(age)[column] as number);
    const columns: Record<string, (number | null)[]> = {
      accepted: perSecond(ACCEPTED),
      refused: perSecond(REFUSED),
    };
    for (const processor of PROCESSORS) {
      columns[`settled ${processorName(processor)}`] = perSecond(ROWS + processor);
      columns[`failing ${processorName(processor)}`] = asItWas(FAILING + processor);
    }
    for (const [index, stage] of STAGES.entries()) {
      columns[`backlog ${stage}`] = asItWas(BACKLOG + index);
    }
    for (const timed of TIMED) {
      const found = ages.map((age) => this.#percentiles(timed, age, WINDOW_S));
      for (const name of ['p50', 'p90', 'p99'] as const) {
        columns[`${timed} ${name}`] = found.map((percentiles) => percentiles?.[name] ?? null);
      }
    }
    return { seconds: ages.map((age) => this.#row(age)[0] as number), columns };
  }

  /** Over the last `windowS` seconds; null if nothing was observed. */
  percentiles(timed: Timed, windowS: number): Percentiles | null {
    return this.#length === 0 ? null : this.#percentiles(timed, 0, windowS);
  }

  #percentiles(timed: Timed, age: number, windowS: number): Percentiles | null {
    const last = this.#row(age);
    const first = this.#row(Math.min(age + windowS, this.#length - 1));
    const start = HISTOGRAMS + TIMED.indexOf(timed) * this.#buckets;
    const counts = new Float64Array(this.#buckets);
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      counts[bucket] = (last[start + bucket] as number) - (first[start + bucket] as number);
    }
    return percentilesMs(this.#engine.held.settleDurations.bounds, counts);
  }

  /** The growth of a counter in a second; a purge sets some back to 0. */
  #rate(age: number, column: number): number {
    const [last, first] = [this.#row(age), this.#row(age + 1)];
    const seconds = (last[0] as number) - (first[0] as number);
    const grown = Math.max(0, (last[column] as number) - (first[column] as number));
    return Math.round((grown / Math.max(1, seconds)) * 10) / 10;
  }

  /** The newest row has the age 0. */
  #row(age: number): Float64Array {
    const place = (this.#next - 1 - age + 2 * (HISTORY_S + 1)) % (HISTORY_S + 1);
    return this.#rows.subarray(place * this.#width, (place + 1) * this.#width);
  }

  #take(): void {
    const { admission, held, writer, routing, stages, attempts } = this.#engine;
    const nowMs = this.#clock.now();
    const second = Math.floor(nowMs / 1_000);
    // A timer may come a little early, and the wall clock may be set back.
    if (this.#length > 0 && second <= (this.#row(0)[0] as number)) return;
    const row = this.#rows.subarray(this.#next * this.#width, (this.#next + 1) * this.#width);
    this.#next = (this.#next + 1) % (HISTORY_S + 1);
    this.#length = Math.min(HISTORY_S + 1, this.#length + 1);
    row[0] = second;
    row[ACCEPTED] = held.accepted;
    row[REFUSED] = admission.refused;
    const standings = stages.standings(nowMs);
    for (const [index, stage] of STAGES.entries()) {
      row[BACKLOG + index] = standings[stage].payments;
    }
    for (const processor of PROCESSORS) {
      row[ROWS + processor] = writer.figures.rows[processor];
      row[FAILING + processor] = Number(routing.breakers[processor].troubleForMs > 0);
    }
    const histograms = [held.settleDurations, ...attempts.durations];
    for (const [index, { counts }] of histograms.entries()) {
      row.set(counts, HISTOGRAMS + index * this.#buckets);
    }
  }
}
