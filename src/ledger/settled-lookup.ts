// Asks the ledger whether payments are settled, many in one statement: one statement is under way,
// and later questions wait for the next one.
//
// A second question about an id shares the answer of the first one. When a payment is settled, its
// open question is answered at once. So no answer is older than what happened to its id meanwhile.

import { sleep, type Clock } from '../clock.ts';
import { entriesById, isGivenUp } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';

/**
 * Cents of a settled payment; 'given up' by an operator; 'absent'; or 'unknown' when the ledger
 * doesn't answer in time.
 */
export type Settled = number | 'given up' | 'absent' | 'unknown';

/** Questions that wait; the next one is answered 'unknown' at once. */
const WAITING_MAX = 2_000;
/** A payment's 202 waits for the answer: after this time the answer is 'unknown'. */
const ANSWER_MS = 300;

interface Question {
  readonly answer: Promise<Settled>;
  readonly resolve: (answer: Settled) => void;
}

export class SettledLookup {
  readonly #ledger: Pick<LedgerPort, 'find'>;
  readonly #clock: Clock;
  #waiting = new Map<string, Question>();
  #asked = new Map<string, Question>();
  #running = false;

  constructor(ledger: Pick<LedgerPort, 'find'>, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** The amount with which the payment is settled. Never rejects. */
  cents(correlationId: string): Promise<Settled> {
    const known = this.#asked.get(correlationId) ?? this.#waiting.get(correlationId);
    if (known !== undefined) return known.answer;
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve('unknown');
    const question = newQuestion();
    this.#waiting.set(correlationId, question);
    if (!this.#running) {
      this.#running = true;
      void this.#run();
    }
    return question.answer;
  }

  /** At least one question is open. */
  get isAsking(): boolean {
    return this.#running;
  }

  /** Answers the open question about a payment that is settled now: the ledger's may be older. */
  answer(correlationId: string, settled: number | 'given up'): void {
    for (const questions of [this.#asked, this.#waiting]) {
      questions.get(correlationId)?.resolve(settled);
      questions.delete(correlationId);
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      this.#asked = this.#waiting;
      this.#waiting = new Map();
      const found = this.#ledger.find([...this.#asked.keys()]).catch(() => undefined);
      const rows = await Promise.race([found, sleep(this.#clock, ANSWER_MS)]);
      for (const [correlationId, entry] of entriesById(rows ?? [])) {
        const settled = isGivenUp(entry) ? 'given up' : entry.amountCents;
        this.#asked.get(correlationId)?.resolve(settled);
        this.#asked.delete(correlationId);
      }
      for (const { resolve } of this.#asked.values()) {
        resolve(rows === undefined ? 'unknown' : 'absent');
      }
      this.#asked.clear();
    }
    this.#running = false;
  }
}

function newQuestion(): Question {
  let resolve!: (answer: Settled) => void;
  const answer = new Promise<Settled>((settle) => {
    resolve = settle;
  });
  return { answer, resolve };
}
