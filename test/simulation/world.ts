// What all parts of one simulated world share: time, random numbers, weather, books, and the trace
// of what happened.

import { Books } from './books.ts';
import { Dice } from './dice.ts';
import { Timeline } from './timeline.ts';
import { Weather } from './weather.ts';

export type Trace = (line: string) => void;

export class World {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly weather: Weather;
  readonly books: Books;
  /** Requests and statements that go on without anybody waiting for them. */
  flying = 0;
  /** Of all that was noted, in order: two runs with one hash were the same run. */
  hash = 0;
  readonly #trace: Trace | undefined;

  constructor(seed: number, trace?: Trace) {
    this.dice = new Dice(seed);
    this.weather = new Weather(this.dice);
    this.books = new Books(this);
    this.#trace = trace;
  }

  /** `index` is the payment's number, or -1. */
  note(event: string, index: number, value: number | string): void {
    const number = typeof value === 'number' ? value : value.length * 128 + value.charCodeAt(0);
    const parts = [event.length, event.charCodeAt(0), index, number, this.timeline.nowMs * 1_000];
    for (const part of parts) this.hash = mix(this.hash, part);
    this.#trace?.(`${this.timeline.nowMs.toFixed(3).padStart(10)}  ${event}  #${index}  ${value}`);
  }

  /** Again and again until the world heals, every `meanMs` on average. */
  every(dice: Dice, meanMs: number, happen: () => void): void {
    if (meanMs === Number.POSITIVE_INFINITY) return;
    this.timeline.in(dice.between(0, 2 * meanMs), () => {
      if (this.weather.healed) return;
      happen();
      this.every(dice, meanMs, happen);
    });
  }

  /** Something that happens in any case, whoever dies meanwhile. */
  fly(delayMs: number, land: () => void): void {
    this.flying++;
    this.timeline.in(delayMs, () => {
      this.flying--;
      land();
    });
  }
}

function mix(hash: number, part: number): number {
  const mixed = Math.imul(hash ^ Math.floor(part) ^ Math.floor(part / 2 ** 32), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Whoever calls a processor or the ledger: answers reach it only while it lives. */
export interface Caller {
  readonly alive: boolean;
  later(delayMs: number, run: () => void): { cancel(): void };
}
