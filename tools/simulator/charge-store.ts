// The payments of a processor: each id once, with the values that came first. A state file keeps
// them across restarts.

import type { Charge } from '../../src/payment.ts';
import { StateFile } from './state-file.ts';
import type { SimulatorClock } from './timers.ts';

export interface ChargeTotals {
  readonly requests: number;
  readonly cents: bigint;
}

interface StoredCharge extends Charge {
  /** By the processor's own clock; null for what a state file held at the start. */
  readonly chargedAtMs: number | null;
}

export class ChargeStore {
  readonly #charges = new Map<string, StoredCharge>();
  readonly #file: StateFile | undefined;
  readonly #clock: Pick<SimulatorClock, 'now'>;
  /** Of all payments: whoever watches a run asks for it each second. */
  #cents = 0n;

  constructor(stateFile: string | undefined, clock: Pick<SimulatorClock, 'now'>) {
    this.#file = stateFile === undefined ? undefined : new StateFile(stateFile);
    this.#clock = clock;
    for (const charge of this.#file?.read() ?? []) this.#keep({ ...charge, chargedAtMs: null });
  }

  /** False, and no change, if the id is held already. On disk before it returns. */
  insert(charge: Charge): boolean {
    if (this.#charges.has(charge.correlationId)) return false;
    this.#file?.append(charge);
    const { correlationId, amountCents, requestedAtMs } = charge;
    this.#keep({ correlationId, amountCents, requestedAtMs, chargedAtMs: this.#clock.now() });
    return true;
  }

  #keep(charge: StoredCharge): void {
    this.#charges.set(charge.correlationId, charge);
    this.#cents += BigInt(charge.amountCents);
  }

  find(correlationId: string): Charge | undefined {
    return this.#charges.get(correlationId);
  }

  all(): Iterable<StoredCharge> {
    return this.#charges.values();
  }

  /** Both ends belong to the range. */
  totals(fromMs: number, toMs: number): ChargeTotals {
    if (fromMs === -Infinity && toMs === Infinity) {
      return { requests: this.#charges.size, cents: this.#cents };
    }
    let requests = 0;
    let cents = 0n;
    let part = 0;
    for (const { requestedAtMs, amountCents } of this.#charges.values()) {
      if (requestedAtMs < fromMs || requestedAtMs > toMs) continue;
      requests++;
      // A bigint only where a number would round.
      if (!Number.isSafeInteger(part + amountCents)) {
        cents += BigInt(part);
        part = 0;
      }
      part += amountCents;
    }
    return { requests, cents: cents + BigInt(part) };
  }

  purge(): void {
    this.#charges.clear();
    this.#cents = 0n;
    this.#file?.clear();
  }

  close(): void {
    this.#file?.close();
  }
}
