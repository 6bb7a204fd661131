// Payments at a steady rate (open loop, from a seed) while a test causes faults, with a bound on
// how many are open. Like a client that wants its payment, it repeats an id after no answer, a 503
// or a 504, and it records each answer.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { decimalFromCents } from '../../src/cents.ts';
import { idToText } from '../../src/payment.ts';
import type { Random } from '../buffer/seed.ts';
import type { AcceptedPayment } from '../world/audit.ts';
import type { Client, Reply } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';

/** What clients were told: what an audit needs. */
export interface Book {
  /** Answered 202. */
  readonly accepted: AcceptedPayment[];
  /**
   * Never answered 202, but perhaps accepted: no answer came, or a 503 or 504 that may hide one.
   */
  readonly maybe: AcceptedPayment[];
}

export const emptyBook = (): Book => ({ accepted: [], maybe: [] });

/** What a client was told of a payment; `status` is 0 if no answer came. */
export interface Told {
  readonly payment: AcceptedPayment;
  readonly status: number;
}

export interface LoadOptions {
  /** Each payment goes to any of them, and its repetitions too. */
  readonly clients: readonly Client[];
  readonly random: Random;
  /** Payments are entered here at once, so that it is right even when a test fails. */
  readonly book: Book;
  readonly ratePerS?: number;
  /** Payments that have no last answer yet, those that wait for their next try included. */
  readonly openMax?: number;
  /** How long a client waits for an answer. */
  readonly timeoutMs?: number;
  /** How long it waits after its try number `tries`, from 1, before the next one. */
  readonly pauseMs?: (tries: number, told: Pick<Reply, 'status' | 'headers'>) => number;
  readonly onAnswer?: (told: Told) => void;
}

const OPEN_MAX = 150;
const TICK_MS = 5;
const TRIES_MAX = 8;
const usualPause = (): number => 400;
const CENTS_MAX = 100_000;
/**
 * What a good payment may be answered; 0 is no answer. nginx answers 504 for an instance that needs
 * longer than a second.
 */
export const GOOD_ANSWERS: readonly number[] = [0, 202, 503, 504];

export class Load {
  /** How often each status was answered; 0 stands for no answer. */
  readonly answers = new Map<number, number>();
  /** What else was answered than 202, in words. */
  readonly refusals = new Set<string>();
  readonly #options: LoadOptions;
  readonly #open = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #stopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when `count` more payments were accepted. */
  async more(count: number): Promise<void> {
    await this.answered(202, count);
  }

  /** Resolves when `count` more answers of this status came. */
  async answered(status: number, count = 1): Promise<void> {
    const answers = (): number => this.answers.get(status) ?? 0;
    const goal = answers() + count;
    await waitUntil(`${count} more answers are ${status}`, () => answers() >= goal, {
      withinMs: 60_000,
    });
  }

  /**
   * Resolves when the last payment has its last answer. @throws when an answer was one that a good
   * payment may not get
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await Promise.all(this.#open);
    const odd = [...this.answers.keys()].filter((status) => !GOOD_ANSWERS.includes(status));
    assert.deepEqual(odd, [], 'a good payment is answered with 202, 503, 504 or not at all');
  }

  /** For a test that fails: nothing may go on in the next one. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await Promise.all(this.#open);
  }

  async #run(): Promise<void> {
    const { ratePerS = 200, openMax = OPEN_MAX } = this.#options;
    const startedMs = performance.now();
    for (let begun = 0; !this.#stopping;) {
      const due = Math.floor(((performance.now() - startedMs) * ratePerS) / 1000);
      // What can't be sent in its time is left out: nothing piles up here.
      for (; begun < due; begun++) if (this.#open.size < openMax) this.#begin();
      await sleep(TICK_MS);
    }
  }

  #begin(): void {
    const { random } = this.#options;
    const payment = { id: idToText(random.id()), cents: 1 + random.below(CENTS_MAX) };
    const paying = this.#pay(payment).finally(() => this.#open.delete(paying));
    this.#open.add(paying);
  }

  async #pay(payment: AcceptedPayment): Promise<void> {
    const { clients, random, book, timeoutMs, pauseMs = usualPause, onAnswer } = this.#options;
    const tries = 1 + random.below(TRIES_MAX);
    for (let n = 1; n <= tries; n++) {
      const client = clients[random.below(clients.length)] as Client;
      const { status, body, headers } = await client
        .pay(payment.id, decimalFromCents(payment.cents), timeoutMs)
        .catch((error: Error) => ({ status: 0, body: error.message, headers: {} }));
      if (status !== 202) this.refusals.add(body);
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
      onAnswer?.({ payment, status });
      if (status === 202) {
        book.accepted.push(payment);
        return;
      }
      if (n < tries && !this.#stopping) await sleep(pauseMs(n, { status, headers }));
    }
    book.maybe.push(payment);
  }
}
