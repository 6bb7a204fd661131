// Payments that are set aside: each failed alone, at a processor that was not known to fail, so the
// payment itself may be what is wrong; or an outage begins with it. They stay out of the queue, so
// that none of them delays other payments or is a probe. Each is tried again at a processor that
// works, after longer and longer pauses; together they make at most PER_S_MAX attempts a
// second and a quarter of RATE_LIMIT_PER_S, and few while a backlog would have to wait for CPU.
//
//   waiting ──due──▶ trying ──failed again──▶ waiting
//                      └──charged, or unknown──▶ removed from here

import type { Ring } from '../buffer/ring.ts';
import { doublingMs, type Clock, type Timer } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { AttemptResult, Outcome } from '../gateways/outcome.ts';
import type { Routing } from '../gateways/routing.ts';
import { processorName, type ProcessorIndex } from '../payment.ts';
import type { Attempts } from './attempt.ts';
import type { SendingRate } from './sending-rate.ts';

export interface SetAsideParts {
  readonly clock: Clock;
  readonly ring: Ring;
  readonly config: Config;
  readonly routing: Routing;
  readonly attempts: Attempts;
  readonly sendingRate: SendingRate;
}

/** What is known of a payment that is set aside. */
interface Entry {
  /** Of the latest failed attempt. */
  processor: ProcessorIndex;
  outcome: Outcome;
  status: number;
  readonly sinceMs: number;
  /** Attempts since it was set aside. */
  tries: number;
  dueAtMs: number;
  isTrying: boolean;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
const LOOK_EVERY_MS = 50;
const AT_ONCE_MAX = 16;
const PER_S_MAX = 200;
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
  add(slot: number, processor: ProcessorIndex, { outcome, status }: AttemptResult): void {
    const nowMs = this.#parts.clock.elapsed();
    const known = this.#entries.get(slot);
    const tries = known === undefined ? 0 : known.tries + 1;
    const dueAtMs = nowMs + doublingMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS);
    const latest = { processor, outcome, status, tries, dueAtMs };
    if (known === undefined) {
      this.#entries.set(slot, { ...latest, sinceMs: nowMs, isTrying: false });
    } else {
      this.#end(known);
      Object.assign(known, latest);
    }
    this.#plan();
  }

  /** The payment in `slot` is charged, or may be. */
  remove(slot: number): void {
    const entry = this.#entries.get(slot);
    if (entry === undefined) return;
    this.#end(entry);
    this.#entries.delete(slot);
  }

  /** Removes a payment that waits here; false if it doesn't. */
  take(slot: number): boolean {
    const entry = this.#entries.get(slot);
    return entry !== undefined && !entry.isTrying && this.#entries.delete(slot);
  }

  /** A payment that waits here is tried as soon as the limits allow it; false if none does. */
  retry(slot: number): boolean {
    const entry = this.#entries.get(slot);
    if (entry === undefined || entry.isTrying) return false;
    entry.dueAtMs = this.#parts.clock.elapsed();
    return true;
  }

  /** Sends a payment that waits here to this processor now; undefined if none does. */
  sendNow(slot: number, processor: ProcessorIndex): Promise<void> | undefined {
    const entry = this.#entries.get(slot);
    if (entry === undefined || entry.isTrying) return undefined;
    return this.#try(slot, entry, processor);
  }

  /** A processor works again: all payments here are tried soon. */
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

  /** Removes all waiting payments from here; their slots. */
  takeAll(): number[] {
    const slots = [...this.#entries].filter(([, entry]) => !entry.isTrying).map(([slot]) => slot);
    for (const slot of slots) this.#entries.delete(slot);
    this.#due = [];
    return slots;
  }

  /** The first `most` payments, for the status. */
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
    const { config, ring, routing, sendingRate } = this.#parts;
    const limit = config.RATE_LIMIT_PER_S || Number.POSITIVE_INFINITY;
    const perLook = (Math.min(PER_S_MAX, limit * SHARE) * LOOK_EVERY_MS) / 1_000;
    this.#allowance = Math.min(Math.max(1, perLook), this.#allowance + perLook);
    if (this.#due.length === 0) this.#findDue();
    for (let begun = 0; this.#allowance >= 1 && this.busy < AT_ONCE_MAX && !this.#paused;) {
      if (begun > 0 && !sendingRate.mayDrain) return;
      const slot = this.#due.pop();
      if (slot === undefined) return;
      const entry = this.#entries.get(slot);
      // It was removed, or its attempt began, since it was found due.
      if (entry === undefined || entry.isTrying || !ring.isLive(slot)) continue;
      const declines = ring.declines[slot] as number;
      const processor = routing.chooseForSetAside(declines, ring.waiting);
      if (processor === 'wait') {
        this.#due.push(slot);
        return;
      }
      this.#allowance--;
      begun++;
      void this.#try(slot, entry, processor);
    }
  }

  #findDue(): void {
    const now = this.#parts.clock.elapsed();
    for (const [slot, entry] of this.#entries) {
      if (!entry.isTrying && entry.dueAtMs <= now) this.#due.push(slot);
    }
    // `pop` takes from the end: the payment that was set aside earliest goes first.
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
    await this.#parts.attempts.run(slot, processor);
    this.busy--;
  }
}
