// The latest answer to each payment that was declined, for operators. In an outage every payment
// has one, so the arrays for all slots are allocated at the start.

import type { Outcome } from '../gateways/outcome.ts';
import type { Ring } from '../buffer/ring.ts';
import type { ProcessorIndex } from '../payment.ts';

const OUTCOMES = ['declined', 'busy', 'refused'] as const;

export interface DeclinedAnswer {
  readonly processor: ProcessorIndex;
  readonly outcome: Outcome;
  /** 0 if no answer came. */
  readonly status: number;
}

export class DeclinedAnswers {
  readonly #ring: Ring;
  readonly #processors: Uint8Array;
  /** Places in OUTCOMES. */
  readonly #outcomes: Uint8Array;
  readonly #statuses: Uint16Array;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#processors = new Uint8Array(ring.slots);
    this.#outcomes = new Uint8Array(ring.slots);
    this.#statuses = new Uint16Array(ring.slots);
  }

  /** The payment in `slot` was declined. */
  note(
    slot: number,
    processor: ProcessorIndex,
    { outcome, status }: Pick<DeclinedAnswer, 'outcome' | 'status'>,
  ): void {
    this.#processors[slot] = processor;
    this.#outcomes[slot] = OUTCOMES.indexOf(outcome as (typeof OUTCOMES)[number]);
    this.#statuses[slot] = status;
  }

  /** Undefined if the payment in `slot` was never declined. */
  of(slot: number): DeclinedAnswer | undefined {
    if (this.#ring.declines[slot] === 0) return undefined;
    return {
      processor: this.#processors[slot] as ProcessorIndex,
      outcome: OUTCOMES[this.#outcomes[slot] as number] as Outcome,
      status: this.#statuses[slot] as number,
    };
  }
}
