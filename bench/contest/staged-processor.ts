// A processor that behaves as the contest's published source does, on any clock and without HTTP.
// It sleeps, then checks whether it fails, then stores; a caller that gives up changes nothing. It
// takes 800 calls at once and queues 500; it answers 429 to more.

import type { Clock } from '../../src/clock.ts';
import { withoutAnswer, type AttemptResult, type Outcome } from '../../src/gateways/outcome.ts';
import type { Health, LookupResult, Processor } from '../../src/gateways/processor.ts';
import type { Charge } from '../../src/payment.ts';
import type { Lever } from '../../tools/audit/endpoints.ts';

export const AT_ONCE_MAX = 800;
const QUEUE_MAX = 500;
/** The way there, the insert, and the way back. */
export const OVERHEAD_MS = 2;

interface Stored extends Charge {
  readonly storedAtMs: number;
}

export class StagedProcessor implements Processor {
  readonly stored = new Map<string, Stored>();
  refused = 0;
  lever: Lever = { delayMs: 0, failing: false };
  readonly #clock: Clock;
  readonly #queue: (() => void)[] = [];
  #busy = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async charge(charge: Charge, timeoutMs: number): Promise<AttemptResult> {
    const outcome = await this.#answered<Outcome>(timeoutMs, 'unknown', (answer) => {
      this.#enter(
        () => this.#sleepAndStore(charge, answer),
        () => answer('declined'),
      );
    });
    return withoutAnswer(outcome);
  }

  async lookup(correlationId: string, timeoutMs: number): Promise<LookupResult> {
    const held = await this.#answered<LookupResult['held']>(timeoutMs, 'unknown', (answer) => {
      const look = (): void => {
        this.#leave();
        answer(this.stored.get(correlationId) ?? 'absent');
      };
      this.#enter(look, () => answer('unknown'));
    });
    return { held, status: 0, excerpt: '' };
  }

  health(): Promise<Health> {
    const { delayMs, failing } = this.lever;
    return Promise.resolve({ failing, minResponseTimeMs: delayMs });
  }

  #answered<T>(
    timeoutMs: number,
    late: T,
    begin: (answer: (value: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve) => {
      const deadline = this.#clock.after(timeoutMs, () => resolve(late));
      this.#clock.after(OVERHEAD_MS, () =>
        begin((value) => {
          deadline.cancel();
          resolve(value);
        }),
      );
    });
  }

  #sleepAndStore(charge: Charge, answer: (outcome: Outcome) => void): void {
    const wake = (): void => {
      this.#leave();
      answer(this.lever.failing ? 'declined' : this.#store(charge));
    };
    if (this.lever.delayMs === 0) wake();
    else this.#clock.after(this.lever.delayMs, wake);
  }

  #store(charge: Charge): Outcome {
    if (this.stored.has(charge.correlationId)) return 'duplicate';
    this.stored.set(charge.correlationId, { ...charge, storedAtMs: this.#clock.elapsed() });
    return 'charged';
  }

  #enter(run: () => void, refuse: () => void): void {
    if (this.#busy < AT_ONCE_MAX) {
      this.#busy++;
      run();
    } else if (this.#queue.length < QUEUE_MAX) this.#queue.push(run);
    else {
      this.refused++;
      refuse();
    }
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#busy--;
    else next();
  }
}
