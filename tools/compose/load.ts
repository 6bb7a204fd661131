// Payments at a steady rate, whatever becomes of the last ones: each is sent once, and what its answer means is kept.

import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { Clock } from '../../src/clock.ts';
import type { Sent } from '../k6/audit.ts';
import { Silence } from './silence.ts';

const TICK_MS = 10;
const TIMEOUT_MS = 5_000;
const AMOUNT = '19.90';
const AMOUNT_CENTS = 1_990;

export class Load {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #accepted = new Set<string>();
  readonly #unknown = new Set<string>();
  readonly #latenciesMs: number[] = [];
  readonly #silence: Silence;
  readonly #clock: Clock;
  readonly #url: URL;
  #running: Promise<void> | undefined;
  #stopped = false;

  /** `url` is the backend's. */
  constructor(url: string, clock: Clock) {
    this.#url = new URL('/payments', url);
    this.#clock = clock;
    this.#silence = new Silence(clock.elapsed());
  }

  get sent(): Sent {
    const [accepted, unknown] = [this.#accepted, this.#unknown];
    return { accepted, unknown, amountCents: AMOUNT_CENTS };
  }

  /** In milliseconds, of what was accepted until now; the list is begun anew. */
  takeLatencies(): readonly number[] {
    return this.#latenciesMs.splice(0).toSorted((a, b) => a - b);
  }

  /** Without an accepted payment, since the last call. */
  takeLongestSilenceMs(): number {
    return this.#silence.takeLongestMs(this.#clock.elapsed());
  }

  start(perSecond: number): void {
    this.#running = this.#run(perSecond);
  }

  /** Resolves when every payment that was sent has its answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#agent.destroy();
  }

  #run(perSecond: number): Promise<void> {
    const startedMs = this.#clock.elapsed();
    const waiting = new Set<Promise<void>>();
    let count = 0;
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const due = ((this.#clock.elapsed() - startedMs) / 1000) * perSecond;
        for (; count < due && !this.#stopped; count++) {
          const payment = this.#pay(randomUUID());
          waiting.add(payment);
          void payment.finally(() => waiting.delete(payment));
        }
        if (!this.#stopped) return;
        clearInterval(timer);
        void Promise.all(waiting).then(() => resolve());
      }, TICK_MS);
    });
  }

  /** Never rejects. Anything but a 2xx says nothing: the front may have given up what an instance has taken. */
  #pay(id: string): Promise<void> {
    const body = `{"correlationId":"${id}","amount":${AMOUNT}}`;
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const startedMs = this.#clock.elapsed();
    return new Promise((resolve) => {
      const fail = (): void => {
        if (!this.#accepted.has(id)) this.#unknown.add(id);
        resolve();
      };
      const options = { method: 'POST', agent: this.#agent, headers, timeout: TIMEOUT_MS };
      const call = request(this.#url, options, (answer) => {
        const status = answer.statusCode ?? 0;
        answer.resume();
        answer.on('close', () => {
          if (status < 200 || status > 299) {
            fail();
            return;
          }
          this.#accepted.add(id);
          this.#silence.break(this.#clock.elapsed());
          this.#latenciesMs.push(this.#clock.elapsed() - startedMs);
          resolve();
        });
      });
      call.on('timeout', () => call.destroy());
      call.on('error', fail);
      call.end(body);
    });
  }
}
