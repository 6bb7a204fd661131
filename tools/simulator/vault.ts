// What a processor holds: each id once, with the values that came first. With a state file it holds them across restarts.

import type { Charge } from '../../src/payment.ts';
import { StateFile } from './state-file.ts';

export interface VaultTotals {
  readonly requests: number;
  readonly cents: bigint;
}

export class Vault {
  readonly #charges = new Map<string, Charge>();
  readonly #file: StateFile | undefined;

  constructor(stateFile: string | undefined) {
    this.#file = stateFile === undefined ? undefined : new StateFile(stateFile);
    for (const charge of this.#file?.read() ?? []) this.#charges.set(charge.correlationId, charge);
  }

  /** False, and nothing changes, when the id is held already. On disk before it returns. */
  insert(charge: Charge): boolean {
    if (this.#charges.has(charge.correlationId)) return false;
    this.#file?.append(charge);
    this.#charges.set(charge.correlationId, charge);
    return true;
  }

  find(correlationId: string): Charge | undefined {
    return this.#charges.get(correlationId);
  }

  all(): Iterable<Charge> {
    return this.#charges.values();
  }

  /** Both ends belong to the range. */
  totals(fromMs: number, toMs: number): VaultTotals {
    let requests = 0;
    let cents = 0n;
    let part = 0;
    for (const { requestedAtMs, amountCents } of this.#charges.values()) {
      if (requestedAtMs < fromMs || requestedAtMs > toMs) continue;
      requests++;
      // Exact at any size, and a bigint's cost only where a number would round.
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
    this.#file?.clear();
  }

  close(): void {
    this.#file?.close();
  }
}
