// Doubts: payments that either processor may hold although nothing here says so. Both are asked
// before the first attempt.
//
// - The memory of settled ids says "may be known" and the ledger says "absent": the ledger may have
//   lost a committed row (a restored backup, a failover to a copy that was behind).
// - A cell of the journal is damaged: it may have said that an attempt was at a processor.
//
//   asking ──one holds it──▶ recorded as that one holds it
//     │ └──neither holds it──▶ queued like any other
//     └──one doesn't say──▶ asked again later

import type { Ring } from '../buffer/ring.ts';
import { doublingMs, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Processor } from '../gateways/processor.ts';
import { PROCESSORS, type Charge, type LedgerRow, type ProcessorIndex } from '../payment.ts';

export interface DoubtParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly processors: readonly [Processor, Processor];
  /** Room for every slot. */
  readonly queue: { push(slot: number): void; shift(): number; readonly length: number };
  readonly timeoutMs: (processor: ProcessorIndex) => number;
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /** Neither processor holds the payment. */
  readonly onAbsent: (slot: number) => void;
  readonly contradictions: { foundCharged(slot: number, holders: readonly LedgerRow[]): void };
  readonly log: Log;
}

const AT_ONCE_MAX = 20;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;
/**
 * A question's first time-out; after each round without an answer twice as long, up to a request's.
 */
const QUESTION_MS = 400;

export class Doubts {
  readonly #parts: DoubtParts;
  /**
   * Until this time an attempt of an earlier life may still arrive: only from then on "absent" is
   * believed.
   */
  #believedFromMs = 0;
  #busy = 0;
  /** By slot, the rounds of questions that told nothing. */
  readonly #rounds = new Map<number, number>();
  #stopped = false;

  constructor(parts: DoubtParts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#rounds.size;
  }

  /** Takes an unpinned payment. */
  add(slot: number): void {
    this.#rounds.set(slot, 0);
    this.#parts.queue.push(slot);
    this.#startOne();
  }

  /**
   * After a restart that found doubts: what its processors were sent may arrive within `waitMs`.
   */
  distrustFor(waitMs: number): void {
    this.#believedFromMs = this.#parts.clock.elapsed() + waitMs;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The first `most` of them, for whoever looks into it. */
  list(most: number): Record<string, unknown>[] {
    const { ring } = this.#parts;
    return [...this.#rounds].slice(0, most).map(([slot, rounds]) => ({
      correlationId: ring.idText(slot),
      amountCents: ring.amountCents[slot],
      outcome: 'in doubt',
      rounds,
    }));
  }

  #startOne(): void {
    if (this.#stopped || this.#busy >= AT_ONCE_MAX) return;
    const slot = this.#parts.queue.shift();
    if (slot < 0) return;
    this.#busy++;
    void this.#resolve(slot);
  }

  async #resolve(slot: number): Promise<void> {
    const { clock, ring, contradictions, onCharged, onAbsent } = this.#parts;
    const answers = await Promise.all(PROCESSORS.map((processor) => this.#ask(slot, processor)));
    const holders = PROCESSORS.flatMap((processor) => {
      const held = answers[processor];
      return typeof held === 'object' ? [{ ...held, processor }] : [];
    });
    const [holder] = holders;
    const isAbsent = answers.every((answer) => answer === 'absent');
    if (holder !== undefined) {
      this.#rounds.delete(slot);
      contradictions.foundCharged(slot, holders);
      // The processor's values are those that the ledger has to have.
      ring.pin(slot, holder.processor, holder.requestedAtMs);
      ring.correct(slot, holder.amountCents, holder.requestedAtMs);
      onCharged(slot, holder.processor);
    } else if (isAbsent && clock.elapsed() >= this.#believedFromMs) {
      this.#rounds.delete(slot);
      ring.isDoubtful[slot] = 0;
      onAbsent(slot);
    } else {
      this.#askLater(slot);
    }
    this.#busy--;
    this.#startOne();
  }

  /** Without a place meanwhile: its processor may never tell. */
  #askLater(slot: number): void {
    const { clock, ring, queue, log } = this.#parts;
    const rounds = this.#rounds.get(slot) as number;
    if (rounds === 0) {
      const correlationId = ring.idText(slot);
      log.warn('payment in doubt', { correlationId, amountCents: ring.amountCents[slot] });
    }
    this.#rounds.set(slot, rounds + 1);
    clock.after(doublingMs(rounds, RETRY_FIRST_MS, RETRY_MAX_MS), () => {
      queue.push(slot);
      this.#startOne();
    });
  }

  async #ask(slot: number, processor: ProcessorIndex): Promise<Charge | 'absent' | 'unknown'> {
    const { processors, ring, timeoutMs } = this.#parts;
    const rounds = this.#rounds.get(slot) as number;
    const patienceMs = doublingMs(rounds, QUESTION_MS, timeoutMs(processor));
    return (await processors[processor].lookup(ring.idText(slot), patienceMs)).held;
  }
}
