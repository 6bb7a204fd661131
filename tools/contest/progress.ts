// How far a run is: on a terminal one line that is redrawn each second, else a line every 10 s.

import { clearLine, cursorTo } from 'node:readline';
import type { LiveLog } from './live-log.ts';
import type { Plan } from './plan.ts';
import type { Sampler } from './sampler.ts';

const TICK_MS = 1_000;
const LINE_EVERY_MS = 10_000;

const counted = (count: number): string => count.toLocaleString('en-US');

export class Progress {
  readonly #log: LiveLog;
  readonly #sampler: Sampler;
  readonly #plan: Plan;
  readonly #timer: NodeJS.Timeout;
  #saidAtMs = 0;
  #hasSaidEnd = false;

  /** Samples too, each second, until `stop`. */
  constructor(plan: Plan, log: LiveLog, sampler: Sampler) {
    this.#plan = plan;
    this.#log = log;
    this.#sampler = sampler;
    this.#timer = setInterval(() => {
      this.#tick().catch(() => {});
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#wipe();
  }

  async #tick(): Promise<void> {
    await this.#sampler.take();
    // Afterwards, so that what the sample counts as settled is accepted here too.
    this.#log.read();
    const { startedAtMs, hasEnded } = this.#log;
    if (startedAtMs === null) return;
    const atMs = Date.now() - startedAtMs;
    if (hasEnded) {
      if (!this.#hasSaidEnd) console.log('the load has ended; k6 writes its summary');
      this.#hasSaidEnd = true;
    } else if (process.stdout.isTTY) {
      this.#wipe();
      process.stdout.write(this.#line(atMs));
    } else if (atMs - this.#saidAtMs >= LINE_EVERY_MS) {
      this.#saidAtMs = atMs;
      console.log(this.#line(atMs));
    }
  }

  #line(atMs: number): string {
    const { accepted, unknown, sent, p99Ms } = this.#log;
    const charged = this.#sampler.samples.at(-1)?.charged;
    const settled = charged ? charged[0] + charged[1] : undefined;
    const { durationMs } = this.#plan;
    const passedMs = Math.min(atMs, durationMs);
    const seconds = `${Math.round(passedMs / 1_000)} of ${Math.round(durationMs / 1_000)} s`;
    const words = [
      seconds,
      `accepted ${counted(accepted)}`,
      ...(sent > accepted ? [`not accepted ${counted(sent - accepted)}`] : []),
      `settled ${settled === undefined ? '–' : counted(settled)}`,
      // Payments without an answer may have been taken too.
      `backlog ${unknown > 0 ? '≥ ' : ''}${settled === undefined ? '–' : counted(Math.max(0, accepted - settled))}`,
      `p99 ${p99Ms.toFixed(1)} ms`,
    ];
    const line = words.join('  ');
    return process.stdout.isTTY ? line.slice(0, (process.stdout.columns || 80) - 1) : line;
  }

  #wipe(): void {
    if (!process.stdout.isTTY) return;
    clearLine(process.stdout, 0);
    cursorTo(process.stdout, 0);
  }
}
