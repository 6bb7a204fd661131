// Payments in doubt: either processor may hold them although the ring has no pin. Both are asked
// before the first attempt.
//
// - The Bloom filter says "may be settled" and the ledger says "absent": the ledger may have lost a
//   committed row (a restored backup, a failover to a copy that was behind).
// - A cell of the journal is damaged: it may have said that an attempt was at a processor.
// - The journal is an older copy, or was written in another database (cluster/home.ts): here, or at
//   the instance that handed the payment over.
//
//   asking ──one holds it──▶ recorded as that one holds it
//     │ └──neither holds it──▶ queued like any other
//     └──one doesn't say──▶ asked again later

import type { Ring } from '../buffer/ring.ts';
import { SlotQueue } from '../buffer/slot-queue.ts';
import { NO_DOUBT, PIN_IN_DOUBT, UNPINNED } from '../buffer/slot-state.ts';
import { doublingMs, type Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Dispatcher } from '../consumers/dispatcher.ts';
import type { Routing } from '../gateways/routing.ts';
import type { Log } from '../log/log.ts';
import { PROCESSORS, type Charge, type ProcessorIndex } from '../payment.ts';
import type { Ports } from '../ports.ts';
import type { BatchWriter } from '../settlement/batch-writer.ts';
import type { Contradictions } from '../settlement/contradictions.ts';

export interface InDoubtParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly processors: Ports['processors'];
  readonly isOurs: Ports['isOurs'];
  readonly ring: Ring;
  readonly routing: Routing;
  readonly writer: BatchWriter;
  readonly dispatcher: Dispatcher;
  readonly contradictions: Contradictions;
}

type Taken = (isTaken: boolean) => void;

const AT_ONCE_MAX = 20;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;
/** A question's first time-out. It doubles with each missing answer, up to a request's time-out. */
const QUESTION_MS = 400;

export class InDoubt {
  readonly #parts: InDoubtParts;
  readonly #queue: SlotQueue;
  /**
   * Until this time an attempt from before a restart may still arrive. Only then is "absent"
   * believed.
   */
  #believedFromMs = 0;
  #busy = 0;
  /** By slot, the rounds of questions that settled nothing. */
  readonly #rounds = new Map<number, number>();
  /** By slot, who wants the payment as soon as no question about it is under way. */
  readonly #wanted = new Map<number, Taken>();
  #stopped = false;

  constructor(parts: InDoubtParts) {
    this.#parts = parts;
    this.#queue = new SlotQueue(parts.ring.slots);
  }

  get pending(): number {
    return this.#rounds.size;
  }

  /** Takes an unpinned payment. */
  add(slot: number): void {
    this.#rounds.set(slot, 0);
    this.#queue.push(slot);
    this.#startOne();
  }

  /** Attempts from before a restart may still arrive: for so long "absent" is not believed. */
  distrustAbsence(): void {
    const { config, clock } = this.#parts;
    this.#believedFromMs = clock.elapsed() + config.TIMEOUT_MAX_MS;
  }

  /**
   * The journal is an older copy: payments that it holds without a pin may have been sent since.
   */
  doubtAll(): void {
    const { ring } = this.#parts;
    for (let slot = 0; slot < ring.slots; slot++) {
      if (ring.isLive(slot) && ring.pinOf(slot) === UNPINNED) ring.doubt[slot] = PIN_IN_DOUBT;
    }
    this.distrustAbsence();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Whether the payment in `slot` is here, and nobody wants it yet. */
  canTake(slot: number): boolean {
    return this.#rounds.has(slot) && !this.#wanted.has(slot);
  }

  /**
   * Removes a payment from here as soon as no question about it is under way, and calls
   * `taken(true)`; `taken(false)` if the answer settles it before.
   */
  take(slot: number, taken: Taken): void {
    this.#wanted.set(slot, taken);
  }

  /** The first `most` payments, for the status. */
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
    const slot = this.#queue.shift();
    if (slot < 0) return;
    this.#busy++;
    void this.#resolve(slot);
  }

  async #resolve(slot: number): Promise<void> {
    const { clock, ring, contradictions, writer, dispatcher, isOurs } = this.#parts;
    if (this.#leaves(slot)) return this.#end();
    const answers = await Promise.all(PROCESSORS.map((processor) => this.#ask(slot, processor)));
    const holders = PROCESSORS.flatMap((processor) => {
      const held = answers[processor];
      return typeof held === 'object' ? [{ ...held, processor }] : [];
    });
    const [holder] = holders;
    const isAbsent = answers.every((answer) => answer === 'absent');
    // Else another process that runs this instance by now may have sent it.
    if (holder !== undefined && (await isOurs().catch(() => false))) {
      this.#stays(slot);
      contradictions.foundCharged(slot, holders);
      // The ledger must have the values that the processor holds.
      ring.pin(slot, holder.processor, holder.requestedAtMs);
      ring.correct(slot, holder.amountCents, holder.requestedAtMs);
      writer.add(slot);
    } else if (isAbsent && clock.elapsed() >= this.#believedFromMs) {
      this.#stays(slot);
      ring.doubt[slot] = NO_DOUBT;
      dispatcher.enqueue(slot);
    } else if (!this.#leaves(slot)) {
      this.#askLater(slot);
    }
    this.#end();
  }

  #end(): void {
    this.#busy--;
    this.#startOne();
  }

  /** It is settled here. */
  #stays(slot: number): void {
    this.#rounds.delete(slot);
    this.#wanted.get(slot)?.(false);
    this.#wanted.delete(slot);
  }

  /** Whether somebody wants it, and has it now. */
  #leaves(slot: number): boolean {
    const taken = this.#wanted.get(slot);
    if (taken === undefined) return false;
    this.#rounds.delete(slot);
    this.#wanted.delete(slot);
    taken(true);
    return true;
  }

  /** It uses no place meanwhile: a processor may never answer. */
  #askLater(slot: number): void {
    const { clock, ring, log } = this.#parts;
    const rounds = this.#rounds.get(slot) as number;
    if (rounds === 0) {
      const correlationId = ring.idText(slot);
      log.warn('payment in doubt', { correlationId, amountCents: ring.amountCents[slot] });
    }
    this.#rounds.set(slot, rounds + 1);
    clock.after(doublingMs(rounds, RETRY_FIRST_MS, RETRY_MAX_MS), () => {
      this.#queue.push(slot);
      this.#startOne();
    });
  }

  async #ask(slot: number, processor: ProcessorIndex): Promise<Charge | 'absent' | 'unknown'> {
    const { processors, ring, routing } = this.#parts;
    const rounds = this.#rounds.get(slot) as number;
    const patienceMs = doublingMs(rounds, QUESTION_MS, routing.timeoutMs(processor));
    return (await processors[processor].lookup(ring.idText(slot), patienceMs)).held;
  }
}
