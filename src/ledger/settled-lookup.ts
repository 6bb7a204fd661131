// Asks the ledger about single payments, gathered into few statements: one under way, the rest in the next one.
//
// Whoever asks for an id that is being asked about shares that answer, and when a payment is settled its open question is
// answered at once. So no one acts on an answer that is older than what another one with the same id did meanwhile.

import { sleep, type Clock } from '../clock.ts';
import type { LedgerRow } from '../payment.ts';

/** Cents of a settled payment, 'absent', or 'unknown' when the ledger doesn't say. */
export type Settled = number | 'absent' | 'unknown';

/** Beyond these the answer is 'unknown' at once. */
const ASKED_MAX = 2_000;
/** A payment's 202 waits for the answer: what takes longer is 'unknown'. */
const ANSWER_MS = 300;

interface Question {
  readonly answer: Promise<Settled>;
  readonly resolve: (answer: Settled) => void;
}

type Find = (correlationIds: readonly string[]) => Promise<readonly LedgerRow[]>;

export class SettledLookup {
  readonly #find: Find;
  readonly #clock: Clock;
  #waiting = new Map<string, Question>();
  #asked = new Map<string, Question>();
  #running = false;

  constructor(find: Find, clock: Clock) {
    this.#find = find;
    this.#clock = clock;
  }

  /** Never rejects. */
  cents(correlationId: string): Promise<Settled> {
    const known = this.#asked.get(correlationId) ?? this.#waiting.get(correlationId);
    if (known !== undefined) return known.answer;
    if (this.#waiting.size >= ASKED_MAX) return Promise.resolve('unknown');
    const question = ask();
    this.#waiting.set(correlationId, question);
    if (!this.#running) {
      this.#running = true;
      void this.#run();
    }
    return question.answer;
  }

  /** Questions are open. */
  get isAsking(): boolean {
    return this.#running;
  }

  /** A payment was settled just now: what the ledger is about to say of it may be older. */
  tell(correlationId: string, cents: number): void {
    for (const questions of [this.#asked, this.#waiting]) {
      questions.get(correlationId)?.resolve(cents);
      questions.delete(correlationId);
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      this.#asked = this.#waiting;
      this.#waiting = new Map();
      const found = this.#find([...this.#asked.keys()]).catch(() => undefined);
      const rows = await Promise.race([found, sleep(this.#clock, ANSWER_MS)]);
      for (const row of rows ?? []) {
        this.#asked.get(row.correlationId)?.resolve(row.amountCents);
        this.#asked.delete(row.correlationId);
      }
      for (const { resolve } of this.#asked.values()) {
        resolve(rows === undefined ? 'unknown' : 'absent');
      }
      this.#asked.clear();
    }
    this.#running = false;
  }
}

function ask(): Question {
  let resolve!: (answer: Settled) => void;
  const answer = new Promise<Settled>((given) => {
    resolve = given;
  });
  return { answer, resolve };
}
