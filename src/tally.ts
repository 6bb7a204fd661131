// What this instance has recorded since its start or the last purge, per processor.

import { processorName, type ProcessorIndex } from './payment.ts';

export class Tally {
  readonly #payments: [number, number] = [0, 0];
  readonly #cents: [bigint, bigint] = [0n, 0n];

  add(processor: ProcessorIndex, amountCents: number): void {
    this.#payments[processor]++;
    this.#cents[processor] += BigInt(amountCents);
  }

  clear(): void {
    this.#payments.fill(0);
    this.#cents.fill(0n);
  }

  /** Cents as text: they may exceed a safe integer. */
  ofProcessors(): Record<string, { payments: number; cents: string }> {
    return Object.fromEntries(
      ([0, 1] as const).map((processor) => [
        processorName(processor),
        { payments: this.#payments[processor], cents: String(this.#cents[processor]) },
      ]),
    );
  }
}
