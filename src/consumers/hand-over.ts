// Handing over: payments that belong to another instance and were taken while it was away go to it as soon as it is back.
// Only an id's owner ever sends it to a processor, so that no two instances can.

import { sleep, type Clock } from '../clock.ts';
import type { Offered } from '../buffer/admission.ts';
import { doublingMs } from './backoff.ts';

export interface HandOverParts {
  readonly clock: Clock;
  /** Room for every slot. */
  readonly queue: { push(slot: number): void; shift(): number; readonly length: number };
  readonly offer: (slot: number) => Promise<Offered>;
  /** The owner has it: the slot can be freed. */
  readonly onTaken: (slot: number) => void;
  readonly onConflict: (slot: number) => void;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 500;

/** One of these per other instance. */
export class HandOver {
  readonly #parts: HandOverParts;
  #running = false;
  #stopped = false;
  #busy = 0;

  constructor(parts: HandOverParts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#parts.queue.length + this.#busy;
  }

  add(slot: number): void {
    this.#parts.queue.push(slot);
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    for (;;) {
      const slot = this.#stopped ? -1 : this.#parts.queue.shift();
      if (slot < 0) break;
      this.#busy = 1;
      await this.#deliver(slot);
      this.#busy = 0;
    }
    this.#running = false;
  }

  async #deliver(slot: number): Promise<void> {
    const { clock, offer, onTaken, onConflict } = this.#parts;
    for (let tries = 0; !this.#stopped; tries++) {
      const offered = await offer(slot);
      if (offered === 'conflict') onConflict(slot);
      if (offered === 'accepted' || offered === 'conflict') return onTaken(slot);
      await sleep(clock, doublingMs(tries, RETRY_FIRST_MS, RETRY_MAX_MS));
    }
  }
}
