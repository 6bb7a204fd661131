// Payments that failed alone, while others got through: what is wrong may be the payment. They are
// kept out of the queue, so that none of them holds up or probes for the others, and are tried
// again apart from it: at either processor that works, each after longer and longer pauses, and all
// of them together at no more than a quarter of the rate of sending.
//
//   waiting ──due──▶ trying ──failed again──▶ waiting
//                      └──charged, or to be reconciled──▶ forgotten here

import type { Ring } from '../buffer/ring.ts';
import { doublingMs, type Clock, type Timer } from '../clock.ts';
import type { Choice } from '../gateways/choice.ts';
import type { Answered, Outcome } from '../gateways/outcome.ts';
import { processorName, type ProcessorIndex } from '../payment.ts';

export interface SetAsideParts {
  readonly clock: Clock;
  readonly ring: Ring;
  /** Attempts of a second, of the whole instance. */
  readonly sendsPerS: number;
  readonly choose: (slot: number) => Choice;
  /** Carries out one attempt; never rejects. */
  readonly attempt: (slot: number, processor: ProcessorIndex) => Promise<void>;
}

/** What is known of a payment that is set aside. */
interface Entry {
  readonly sinceMs: number;
  processor: ProcessorIndex;
  outcome: Outcome;
  status: number;
  dueAtMs: number;
  isTrying: boolean;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
const LOOK_EVERY_MS = 50;
const AT_ONCE_MAX = 16;
const SHARE = 1 / 4;

export class SetAside {
  /** Attempts under way. */
  busy = 0;
  readonly #parts: SetAsideParts;
  readonly #entries = new Map<number, Entry>();
  #due: number[] = [];
  /** Entries whose attempt is under way. */
  #trying = 0;
  #allowance = 0;
  #timer: Timer | undefined;
  #paused = true;

  constructor(parts: SetAsideParts) {
    this.#parts = parts;
  }

  /** Payments that wait here for their next attempt. */
  get waiting(): number {
    return this.#entries.size - this.#trying;
  }

  has(slot: number): boolean {
    return this.#entries.has(slot);
  }

  /** Takes a payment that is in no queue, after its latest attempt failed. */
  add(slot: number, processor: ProcessorIndex, { outcome, status }: Answered): void {
    const { clock, ring } = this.#parts;
    const failures = ring.failures[slot] as number;
    const waitMs = doublingMs(Math.max(0, failures - 2), RETRY_FIRST_MS, RETRY_MAX_MS);
    const dueAtMs = clock.elapsed() + waitMs;
    const known = this.#entries.get(slot);
    if (known === undefined) {
      const sinceMs = clock.elapsed();
      this.#entries.set(slot, { sinceMs, processor, outcome, status, dueAtMs, isTrying: false });
    } else {
      this.#end(known);
      Object.assign(known, { processor, outcome, status, dueAtMs });
    }
    this.#plan();
  }

  /** The payment in `slot` is charged, or may be. */
  forget(slot: number): void {
    const entry = this.#entries.get(slot);
    if (entry === undefined) return;
    this.#end(entry);
    this.#entries.delete(slot);
  }

  /** A processor works again: whoever waits is tried soon. */
  hurry(): void {
    const now = this.#parts.clock.elapsed();
    for (const entry of this.#entries.values()) entry.dueAtMs = Math.min(entry.dueAtMs, now);
  }

  start(): void {
    this.#paused = false;
    this.#plan();
  }

  /** No new attempts from now on. */
  pause(): void {
    this.#paused = true;
  }

  /** All that wait, taken from here. */
  takeAll(): number[] {
    const slots = [...this.#entries].filter(([, entry]) => !entry.isTrying).map(([slot]) => slot);
    for (const slot of slots) this.#entries.delete(slot);
    this.#due = [];
    return slots;
  }

  /** The first `most` of them, for whoever looks into it. */
  list(most: number): Record<string, unknown>[] {
    const { clock, ring } = this.#parts;
    const listed: Record<string, unknown>[] = [];
    for (const [slot, entry] of this.#entries) {
      if (listed.length === most) break;
      listed.push({
        correlationId: ring.idText(slot),
        amountCents: ring.amountCents[slot],
        processor: processorName(entry.processor),
        outcome: entry.outcome,
        status: entry.status,
        failures: ring.failures[slot],
        forMs: Math.round(clock.elapsed() - entry.sinceMs),
      });
    }
    return listed;
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#paused || this.#entries.size === 0) return;
    this.#timer = this.#parts.clock.after(LOOK_EVERY_MS, () => {
      this.#timer = undefined;
      this.#look();
      this.#plan();
    });
  }

  #look(): void {
    const { ring, sendsPerS, choose } = this.#parts;
    const most = Math.max(1, (sendsPerS * SHARE * LOOK_EVERY_MS) / 1_000);
    this.#allowance = Math.min(most, this.#allowance + (sendsPerS * SHARE * LOOK_EVERY_MS) / 1_000);
    if (this.#due.length === 0) this.#findDue();
    while (this.#allowance >= 1 && this.busy < AT_ONCE_MAX && !this.#paused) {
      const slot = this.#due.pop();
      if (slot === undefined) return;
      const entry = this.#entries.get(slot);
      // It went another way since it was found to be due.
      if (entry === undefined || entry.isTrying || !ring.isLive(slot)) continue;
      const processor = choose(slot);
      if (processor === 'wait') {
        this.#due.push(slot);
        return;
      }
      this.#allowance--;
      void this.#try(slot, entry, processor);
    }
  }

  #findDue(): void {
    const now = this.#parts.clock.elapsed();
    for (const [slot, entry] of this.#entries) {
      if (!entry.isTrying && entry.dueAtMs <= now) this.#due.push(slot);
    }
    // The last one is taken first: whoever was set aside earliest.
    this.#due.reverse();
  }

  #end(entry: Entry): void {
    if (entry.isTrying) this.#trying--;
    entry.isTrying = false;
  }

  async #try(slot: number, entry: Entry, processor: ProcessorIndex): Promise<void> {
    entry.isTrying = true;
    this.#trying++;
    this.busy++;
    await this.#parts.attempt(slot, processor);
    this.busy--;
  }
}
