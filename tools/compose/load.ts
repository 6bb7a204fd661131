// Payments at a steady rate to the composition, whatever becomes of the earlier ones. Each is sent
// once, and what its answer means is kept.

import { systemClock as clock } from '../../src/clock.ts';
import type { Sent } from '../audit/audit.ts';
import { AMOUNT_CENTS, openLoop, type LoadResult } from '../load/open-loop.ts';
import { Silence } from './silence.ts';

export class Load {
  readonly #accepted = new Set<string>();
  /** Sent and not accepted. nginx may have given up what an instance has accepted. */
  readonly #unknown = new Set<string>();
  readonly #latenciesMs: number[] = [];
  readonly #silence = new Silence(clock.elapsed());
  readonly #stop = new AbortController();
  readonly #running: Promise<LoadResult>;

  constructor(port: number, perSecond: number) {
    this.#running = openLoop({
      to: { host: '127.0.0.1', port },
      rate: perSecond,
      durationMs: Infinity,
      stop: this.#stop.signal,
      onDue: (id) => this.#unknown.add(id),
      onAnswer: (id, status, latencyMs) => {
        if (status !== 202) return;
        this.#unknown.delete(id);
        this.#accepted.add(id);
        this.#silence.break(clock.elapsed());
        this.#latenciesMs.push(latencyMs);
      },
    });
  }

  get sent(): Sent {
    return { accepted: this.#accepted, unknown: this.#unknown, amountCents: AMOUNT_CENTS };
  }

  /** In milliseconds, of the payments accepted since the last call; sorted. */
  takeLatencies(): readonly number[] {
    return this.#latenciesMs.splice(0).toSorted((a, b) => a - b);
  }

  /** The longest time without an accepted payment since the last call. */
  takeLongestSilenceMs(): number {
    return this.#silence.takeLongestMs(clock.elapsed());
  }

  /** Resolves when every payment is answered, or 5 s later. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
