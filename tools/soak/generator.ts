// The soak's load, as a process of its own: payments at a steady rate in an open loop. A payment
// without an answer, or with a 503, is repeated. Memory: one byte per payment, and the open ones.
//   node generator.js --url http://127.0.0.1:9999 --rate 1000 --seed 1 --outcomes FILE
// On SIGTERM it waits for the open payments, writes FILE (one byte per payment) and prints one JSON
// line of counts.

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decimalFromCents } from '../../src/cents.ts';
import { Client } from '../../test/world/client.ts';
import { ACCEPTED, MAYBE, paymentOf } from './payment-series.ts';

export interface Counts {
  begun: number;
  accepted: number;
  /** Never answered with 202. */
  maybe: number;
  /** Repetitions sent. */
  retried: number;
  /** Not sent at their time, because too many were open. */
  skipped: number;
  seconds: number;
  /** By status; 0 is no answer. */
  readonly answers: Record<string, number>;
}

const PAYMENTS_MAX = 10_000_000;
const OPEN_MAX = 1_000;
const TICK_MS = 5;
const TRIES_MAX = 20;
const TRY_AGAIN_MS = 250;
const ANSWER_MS = 5_000;

class Generator {
  readonly #outcomes = new Uint8Array(PAYMENTS_MAX);
  readonly #counts: Counts = {
    begun: 0,
    accepted: 0,
    maybe: 0,
    retried: 0,
    skipped: 0,
    seconds: 0,
    answers: {},
  };
  readonly #client: Client;
  readonly #rate: number;
  readonly #seed: number;
  #open = 0;
  #stopping = false;

  constructor(url: string, rate: number, seed: number) {
    this.#client = new Client(url);
    this.#rate = rate;
    this.#seed = seed;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Runs until `stop`. */
  async run(): Promise<{ counts: Counts; outcomes: Uint8Array }> {
    const counts = this.#counts;
    const startedMs = performance.now();
    for (let due = 0; !this.#stopping && counts.begun < PAYMENTS_MAX;) {
      counts.seconds = (performance.now() - startedMs) / 1_000;
      for (; due < Math.floor(counts.seconds * this.#rate); due++) {
        if (this.#open >= OPEN_MAX) counts.skipped++;
        else void this.#pay(counts.begun++);
      }
      await sleep(TICK_MS);
    }
    while (this.#open > 0) await sleep(TICK_MS);
    this.#client.close();
    return { counts, outcomes: this.#outcomes.subarray(0, counts.begun) };
  }

  async #pay(n: number): Promise<void> {
    this.#open++;
    const counts = this.#counts;
    const { id, cents } = paymentOf(this.#seed, n);
    const body = `{"correlationId":"${id}","amount":${decimalFromCents(cents)}}`;
    // Each payment is given up after another number of tries.
    const tries = 1 + (cents % TRIES_MAX);
    this.#outcomes[n] = MAYBE;
    for (let attempt = 1; attempt <= tries; attempt++) {
      if (attempt > 1) counts.retried++;
      const status = await this.#client
        .send('POST', '/payments', { body, timeoutMs: ANSWER_MS })
        .then(
          (reply) => reply.status,
          () => 0,
        );
      counts.answers[status] = (counts.answers[status] ?? 0) + 1;
      if (status === 202) {
        this.#outcomes[n] = ACCEPTED;
        break;
      }
      await sleep(TRY_AGAIN_MS);
    }
    if (this.#outcomes[n] === ACCEPTED) counts.accepted++;
    else counts.maybe++;
    this.#open--;
  }
}

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    rate: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    outcomes: { type: 'string', default: '' },
  },
});
const generator = new Generator(values.url, Number(values.rate), Number(values.seed));
process.once('SIGTERM', () => generator.stop());
const { counts, outcomes } = await generator.run();
writeFileSync(values.outcomes, outcomes);
console.log(JSON.stringify(counts));
