// Contradictions: what two places say about one payment and can't both be true, whoever finds it.
// It is reported as an anomaly, and the payment's slot is released. Nothing is ever sent because of
// it.

import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Recovering } from '../buffer/recovering.ts';
import type { Ring } from '../buffer/ring.ts';
import { PIN_IN_DOUBT, UNPINNED } from '../buffer/slot-state.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Routing } from '../gateways/routing.ts';
import type { Anomalies } from '../ledger/anomalies.ts';
import {
  anomalyOf,
  valuesOfCharge,
  contradictionOf,
  valuesOfRow,
  type KnownValues,
} from '../ledger/anomaly.ts';
import type { Log } from '../log/log.ts';
import {
  DEFAULT,
  FALLBACK,
  otherThan,
  type Charge,
  type LedgerRow,
  type ProcessorIndex,
} from '../payment.ts';
import type { Ports } from '../ports.ts';
import { PinCheck } from './pin-check.ts';

export interface ContradictionsParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly processors: Ports['processors'];
  readonly ring: Ring;
  readonly held: HeldPayments;
  readonly routing: Routing;
  readonly recovering: Recovering;
  readonly anomalies: Anomalies;
}

export class Contradictions {
  readonly #parts: ContradictionsParts;
  readonly #pinChecks: readonly [PinCheck, PinCheck];
  /** By slot, the ledger's rows of payments whose pin is checked. */
  readonly #rows = new Map<number, LedgerRow>();

  constructor(parts: ContradictionsParts) {
    this.#parts = parts;
    this.#pinChecks = [
      new PinCheck({ ...parts, processor: DEFAULT, contradictions: this }),
      new PinCheck({ ...parts, processor: FALLBACK, contradictions: this }),
    ];
  }

  /** Payments whose pin is checked. */
  get checking(): number {
    return this.#pinChecks.reduce((sum, check) => sum + check.pending, 0);
  }

  stop(): void {
    for (const check of this.#pinChecks) check.stop();
  }

  /** Its pin's processor charged the payment in `slot`; the ledger has another row of it. */
  recordedBefore(slot: number, row: LedgerRow): void {
    const { ring, held } = this.#parts;
    const processor = ring.pinOf(slot) as ProcessorIndex;
    const charged = { ...ring.chargeOf(slot), processor };
    this.#parts.anomalies.report(contradictionOf(charged, row));
    held.release(slot, row.amountCents);
  }

  /**
   * The verifier found the payment in `slot` settled: the ledger has `row`. Frees the slot, or
   * first checks the other processor if it may hold the payment as well.
   */
  settled(slot: number, row: LedgerRow): void {
    const { ring, recovering, held } = this.#parts;
    const pin = ring.pinOf(slot);
    recovering.end(slot);
    if (ring.amountCents[slot] !== row.amountCents) {
      const places = { accepted: this.#accepted(slot), recorded: valuesOfRow(row) };
      const id = ring.idText(slot);
      this.#parts.anomalies.report(anomalyOf('settled with another amount', id, places));
    }
    const isPinUnknown = pin === UNPINNED && ring.doubt[slot] === PIN_IN_DOUBT;
    const suspect = isPinUnknown ? otherThan(row.processor) : pin;
    if (suspect === UNPINNED || suspect === row.processor)
      return held.release(slot, row.amountCents);
    this.#rows.set(slot, row);
    this.#pinChecks[suspect].add(slot);
  }

  /** The owner knows the id with another amount than was accepted here. */
  ownedOtherwise(slot: number): void {
    const places = { accepted: this.#accepted(slot) };
    const id = this.#parts.ring.idText(slot);
    this.#parts.anomalies.report(anomalyOf('owner knows another amount', id, places));
  }

  /** A processor holds another amount than was sent to it. */
  heldOtherwise(processor: ProcessorIndex, sent: Charge, held: Charge): void {
    const places = {
      accepted: valuesOfCharge(sent, processor),
      charged: valuesOfCharge(held, processor),
    };
    const kind = 'processor holds another amount';
    this.#parts.anomalies.report(anomalyOf(kind, sent.correlationId, places));
  }

  /**
   * One or both processors hold a payment that neither the ledger nor the journal knew to be
   * charged.
   */
  foundCharged(slot: number, holders: readonly LedgerRow[]): void {
    const { ring } = this.#parts;
    const [first, second] = holders;
    if (first === undefined) throw new Error('nobody holds it');
    const id = ring.idText(slot);
    const accepted = this.#accepted(slot);
    const charged = valuesOfRow(first);
    this.#parts.anomalies.report(anomalyOf('charged and not recorded', id, { accepted, charged }));
    if (second !== undefined) this.#parts.anomalies.report(contradictionOf(second, first));
  }

  /** The pin check ended: `processor` holds the payment that the ledger has elsewhere, or not. */
  pinChecked(slot: number, there: Charge | 'absent', processor: ProcessorIndex): void {
    const { ring, held } = this.#parts;
    const row = this.#rows.get(slot) as LedgerRow;
    this.#rows.delete(slot);
    const id = ring.idText(slot);
    // If the pin is only in doubt, the processor's "absent" is what is expected.
    if (there === 'absent' && ring.pinOf(slot) === processor) {
      const places = { accepted: this.#accepted(slot), recorded: valuesOfRow(row) };
      this.#parts.anomalies.report(anomalyOf('recorded at another processor', id, places));
    } else if (there !== 'absent') {
      this.#parts.anomalies.report(contradictionOf({ ...there, processor }, row));
    }
    held.release(slot, row.amountCents);
  }

  /** What was accepted, and where it was sent. */
  #accepted(slot: number): KnownValues {
    const { ring } = this.#parts;
    const pin = ring.pinOf(slot);
    return pin === UNPINNED
      ? { amountCents: ring.amountCents[slot] as number }
      : valuesOfCharge(ring.chargeOf(slot), pin);
  }
}
