// A processor as the contest's are inside (its published source), on any clock and without HTTP: it sleeps first, then looks whether
// it fails, then stores; who gives up on it stops nothing; 800 at once, 500 in its queue, and 429 beyond.

import type { Clock } from '../src/clock.ts';
import { unanswered, type Answered, type Outcome } from '../src/gateways/outcome.ts';
import type { Health, Looked, Processor } from '../src/gateways/processor.ts';
import type { Charge } from '../src/payment.ts';
import type { Lever } from '../tools/k6/plan.ts';

export const AT_ONCE_MAX = 800;
const QUEUE_MAX = 500;
/** There, the insert, and back. */
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

  async charge(charge: Charge, timeoutMs: number): Promise<Answered> {
    const outcome = await this.#answered<Outcome>(timeoutMs, 'unknown', (answer) => {
      this.#enter(
        () => this.#sleepAndStore(charge, answer),
        () => answer('declined'),
      );
    });
    return unanswered(outcome);
  }

  async lookup(correlationId: string, timeoutMs: number): Promise<Looked> {
    const held = await this.#answered<Looked['held']>(timeoutMs, 'unknown', (answer) => {
      const look = (): void => {
        this.#leave();
        answer(this.stored.get(correlationId) ?? 'absent');
      };
      this.#enter(look, () => answer('unknown'));
    });
    return { held, status: 0, said: '' };
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
