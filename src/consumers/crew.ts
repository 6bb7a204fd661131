// The crew: a fixed set of async consumers, each carrying one payment at a time through an attempt.
//
// Payments are given out centrally, oldest first, a bounded number per turn of the event loop: while a consumer is idle, the
// pace allows it and there is a processor worth sending to. Otherwise it is looked again a little later, or when something ends.
// With `gatherMs` a look waits for more payments to come: several in one go cost far less each, since code, sockets and the processes that
// are woken up by them are warm.

import type { Clock } from '../clock.ts';
import type { ProcessorIndex } from '../payment.ts';

export interface CrewParts {
  readonly clock: Clock;
  readonly consumers: number;
  readonly sendsPerTurn: number;
  /** What is queued within this time is sent in one go, ms. */
  readonly gatherMs: number;
  readonly queue: { peek(): number };
  readonly pace: { take(): boolean; late(lateMs: number): void; readonly waitMs: number };
  readonly choose: (slot: number) => ProcessorIndex | 'wait';
  /**
   * Takes a payment for this processor out of the queue: the first one, or one that is fit to be a
   * probe.
   */
  readonly take: (processor: ProcessorIndex) => number;
  /** Carries out one attempt; never rejects. */
  readonly attempt: (slot: number, processor: ProcessorIndex) => Promise<void>;
}

/** Between two looks at processors that weren't worth sending to. */
const LOOK_AGAIN_MS = 20;

type Assignment = (slot: number, processor: ProcessorIndex) => void;

export class Crew {
  /** Consumers with a payment. */
  busy = 0;
  readonly #parts: CrewParts;
  readonly #idle: Assignment[] = [];
  #paused = true;
  #lookPlanned = false;
  #looksLater = false;

  constructor(parts: CrewParts) {
    this.#parts = parts;
    for (let n = 0; n < parts.consumers; n++) void this.#consume();
  }

  start(): void {
    this.#paused = false;
    this.wake();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** No new attempts from now on. */
  pause(): void {
    this.#paused = true;
  }

  /** A payment was queued, or something changed that may let one go. */
  wake(): void {
    if (this.#lookPlanned || this.#paused) return;
    this.#lookPlanned = true;
    const { clock, gatherMs } = this.#parts;
    if (gatherMs === 0) clock.soon(this.#look);
    else this.#after(gatherMs, this.#look);
  }

  async #consume(): Promise<void> {
    for (;;) {
      // The attempt begins within the turn of its choice: the next choice has to see it under way.
      await new Promise<void>((resolve) => {
        this.#idle.push((slot, processor) => resolve(this.#parts.attempt(slot, processor)));
      });
      this.busy--;
      this.wake();
    }
  }

  readonly #look = (): void => {
    this.#lookPlanned = false;
    const { clock, queue, pace, choose, take, sendsPerTurn, gatherMs } = this.#parts;
    for (let sends = 0; sends < sendsPerTurn; sends++) {
      if (this.#paused || this.#idle.length === 0) return;
      const slot = queue.peek();
      if (slot < 0) return;
      const processor = choose(slot);
      if (processor === 'wait') return this.#lookLater(LOOK_AGAIN_MS);
      if (!pace.take()) return this.#lookLater(Math.max(pace.waitMs, gatherMs));
      this.busy++;
      this.#idle.pop()?.(take(processor), processor);
    }
    this.#lookPlanned = true;
    clock.soon(this.#look);
  };

  #lookLater(delayMs: number): void {
    if (this.#looksLater) return;
    this.#looksLater = true;
    this.#after(delayMs, () => {
      this.#looksLater = false;
      if (!this.#lookPlanned) this.#look();
    });
  }

  #after(delayMs: number, look: () => void): void {
    const { clock, pace } = this.#parts;
    const dueMs = clock.elapsed() + delayMs;
    clock.after(delayMs, () => {
      pace.late(clock.elapsed() - dueMs);
      look();
    });
  }
}
