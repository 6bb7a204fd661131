// Reads what k6-script.js writes while it writes: how many payments were sent and accepted so far,
// and the percentiles of their answers. Its memory doesn't grow with the run.

import { closeSync, openSync, readSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { paymentIn } from './run-log.ts';

const PIECE_BYTES = 1 << 20;

export class LiveLog {
  sent = 0;
  accepted = 0;
  /** Without an answer that says whether they are taken. */
  unknown = 0;
  /** When the first payment was sent, ms since the epoch; null before. */
  startedAtMs: number | null = null;
  /** Whether the last line was written: all that comes is k6's own end. */
  hasEnded = false;
  readonly #path: string;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  /** Of the answers, in microseconds. */
  readonly #durations = createHistogram();
  #offset = 0;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  get p99Ms(): number {
    return this.#durations.percentile(99) / 1_000;
  }

  /** Takes what was written since the last call. */
  read(): void {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      // k6 has not begun.
      return;
    }
    try {
      for (;;) {
        const bytes = readSync(file, this.#piece, 0, PIECE_BYTES, this.#offset);
        if (bytes === 0) return;
        this.#offset += bytes;
        this.#take(this.#piece.toString('latin1', 0, bytes));
      }
    } finally {
      closeSync(file);
    }
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('E ')) this.hasEnded = true;
      if (!line.startsWith('P ')) continue;
      const { sentAtMs, durationMs, verdict } = paymentIn(line);
      this.startedAtMs ??= sentAtMs;
      this.sent++;
      if (verdict === 'accepted') this.accepted++;
      if (verdict === 'unknown') this.unknown++;
      else this.#durations.record(Math.max(1, Math.round(durationMs * 1_000)));
    }
  }
}
