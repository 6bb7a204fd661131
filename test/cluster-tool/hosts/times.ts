// How long no payment was accepted while something happened to a host: of all ids, of the ids of
// the shards that it ran, and of the others. With CLUSTER_TIMES=FILE each line is added to that
// file, and sum-up.ts makes a table of it.

import { appendFileSync } from 'node:fs';
import { idFromText, ownerOf, type IdWords } from '../../../src/payment.ts';
import type { Told } from '../../faults/load.ts';

const FILE = process.env['CLUSTER_TIMES'] ?? '';

export interface FaultTimes {
  readonly fault: string;
  /** The longest time between two payments that were accepted. */
  readonly allMs: number;
  /** The same for the shards that the host ran, and for the others; null without such. */
  readonly ownMs: number | null;
  readonly otherMs: number | null;
  /** Payments that were answered 503. */
  readonly refused: number;
  /** Those that were answered 503 again when they were repeated. */
  readonly refusedAgain: number;
}

export class Times {
  readonly #shards: number;
  /** When payments were accepted, by shard. */
  readonly #acceptedMs: readonly number[][];
  readonly #refused = new Set<string>();
  readonly #refusedAgain = new Set<string>();
  #beganMs = 0;
  #own: readonly number[] = [];

  constructor(shards: number) {
    this.#shards = shards;
    this.#acceptedMs = Array.from({ length: shards }, () => []);
  }

  heard({ payment: { id }, status }: Told): void {
    const shard = ownerOf(idFromText(id) as IdWords, this.#shards);
    if (status === 202) this.#acceptedMs[shard]?.push(performance.now());
    if (status !== 503 || this.#beganMs === 0) return;
    if (this.#refused.has(id)) this.#refusedAgain.add(id);
    this.#refused.add(id);
  }

  /** Now something happens to a host that runs the shards `own`. */
  begins(own: readonly number[]): void {
    this.#beganMs = performance.now();
    this.#own = own;
  }

  /** What happened since `begins`; in words, and for the file. */
  ends(fault: string): string {
    const all = this.#acceptedMs.map((_, shard) => shard);
    const times: FaultTimes = {
      fault,
      allMs: this.#longestPauseMs(all) ?? 0,
      ownMs: this.#longestPauseMs(this.#own),
      otherMs: this.#longestPauseMs(all.filter((shard) => !this.#own.includes(shard))),
      refused: this.#refused.size,
      refusedAgain: this.#refusedAgain.size,
    };
    if (FILE !== '') appendFileSync(FILE, `${JSON.stringify(times)}\n`);
    const { allMs, ownMs, otherMs, refused, refusedAgain } = times;
    return (
      `longest time without a 202: ${inSeconds(allMs)}; its shards' ids: ${inSeconds(ownMs)}; ` +
      `other ids: ${inSeconds(otherMs)}; ${refused} payments got 503, ${refusedAgain} again`
    );
  }

  /** Also before the first one and after the latest one; null without shards. */
  #longestPauseMs(shards: readonly number[]): number | null {
    if (shards.length === 0) return null;
    const accepted = shards.flatMap((shard) => this.#acceptedMs[shard] ?? []);
    const sorted = accepted.toSorted((one, other) => one - other);
    const first = sorted.findLast((atMs) => atMs < this.#beganMs) ?? this.#beganMs;
    const during = [first, ...sorted.filter((atMs) => atMs >= this.#beganMs), performance.now()];
    const pauses = during.slice(1).map((atMs, index) => atMs - (during[index] as number));
    return Math.round(Math.max(...pauses));
  }
}

export const inSeconds = (milliseconds: number | null): string =>
  milliseconds === null ? '–' : `${(milliseconds / 1000).toFixed(1)} s`;
