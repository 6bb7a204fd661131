// What contradicts the books, whoever finds it: reported as an anomaly, and the payment's slot is
// let go. Nothing is ever sent because of it.

import { anomalyOf, chargeSaid, contradictionOf, rowSaid, type Said } from './anomaly.ts';
import type { Ring } from './buffer/ring.ts';
import { SlotQueue } from './buffer/slot-queue.ts';
import { chargeOf } from './consumers/attempt.ts';
import type { Routing } from './gateways/routing.ts';
import { Anomalies } from './ledger/anomalies.ts';
import { PROCESSORS, type Charge, type LedgerRow, type ProcessorIndex } from './payment.ts';
import type { Ports } from './ports.ts';
import { PinCheck } from './recovery/pin-check.ts';

interface ContradictionsParts {
  readonly ports: Ports;
  readonly ring: Ring;
  readonly routing: Routing;
  /** So long a pinned processor has to say that it holds nothing, ms. */
  readonly absentMs: number;
  readonly recovering: { end(slot: number): void };
  readonly letGo: (slot: number, settledCents: number | 'not settled') => void;
}

export class Contradictions {
  readonly anomalies: Anomalies;
  readonly #parts: ContradictionsParts;
  readonly #pinChecks: readonly PinCheck[];
  /** By slot, the rows of those whose pin is checked. */
  readonly #rows = new Map<number, LedgerRow>();

  constructor(parts: ContradictionsParts) {
    this.#parts = parts;
    const { clock, log, ledger } = parts.ports;
    this.anomalies = new Anomalies({ clock, log, record: ledger.recordAnomalies });
    this.#pinChecks = PROCESSORS.map((processor) => this.#pinCheck(processor));
  }

  /** Payments whose pinned processor is asked. */
  get checking(): number {
    return this.#pinChecks.reduce((sum, check) => sum + check.pending, 0);
  }

  stop(): void {
    for (const check of this.#pinChecks) check.stop();
  }

  /**
   * Whether the slot isn't free yet since anomalies of its payment aren't in the table; it is let
   * go once they are.
   */
  keeps(slot: number, settledCents: number | 'not settled'): boolean {
    if (this.anomalies.pending === 0) return false;
    const { ring, letGo } = this.#parts;
    return this.anomalies.whenKept(ring.idText(slot), () => letGo(slot, settledCents));
  }

  /** The processor that `slot` is pinned to has charged it, and the ledger has had `row` before. */
  recordedBefore(slot: number, row: LedgerRow): void {
    const { ring, letGo } = this.#parts;
    const processor = ring.pinOf(slot) as ProcessorIndex;
    const charged = { ...chargeOf(ring, slot), processor };
    this.anomalies.report(contradictionOf(charged, row));
    letGo(slot, row.amountCents);
  }

  /**
   * What a restart found in the journal, or was taken while the ledger couldn't be asked, is
   * settled with `row`.
   */
  settled(slot: number, row: LedgerRow): void {
    const { ring, recovering, letGo } = this.#parts;
    const pin = ring.pinOf(slot);
    recovering.end(slot);
    if (ring.amountCents[slot] !== row.amountCents) {
      const places = { accepted: this.#accepted(slot), recorded: rowSaid(row) };
      const id = ring.idText(slot);
      this.anomalies.report(anomalyOf('settled with another amount', id, places));
    }
    if (pin === -1 || pin === row.processor) return letGo(slot, row.amountCents);
    this.#rows.set(slot, row);
    this.#pinChecks[pin]?.add(slot);
  }

  /** Its owner answered that it knows the id with another amount than was accepted here. */
  ownedOtherwise(slot: number): void {
    const places = { accepted: this.#accepted(slot) };
    const id = this.#parts.ring.idText(slot);
    this.anomalies.report(anomalyOf('owner knows another amount', id, places));
  }

  /** A processor holds another amount than was sent to it. */
  heldOtherwise(processor: ProcessorIndex, sent: Charge, held: Charge): void {
    const places = { accepted: chargeSaid(sent, processor), charged: chargeSaid(held, processor) };
    const kind = 'processor holds another amount';
    this.anomalies.report(anomalyOf(kind, sent.correlationId, places));
  }

  /**
   * Processors hold a payment that neither the ledger nor the journal knew to be charged; `holders`
   * has one or two.
   */
  foundCharged(slot: number, holders: readonly LedgerRow[]): void {
    const { ring } = this.#parts;
    const [first, second] = holders;
    if (first === undefined) throw new Error('nobody holds it');
    const id = ring.idText(slot);
    const accepted = this.#accepted(slot);
    const charged = rowSaid(first);
    this.anomalies.report(anomalyOf('charged and not recorded', id, { accepted, charged }));
    if (second !== undefined) this.anomalies.report(contradictionOf(second, first));
  }

  #pinCheck(processor: ProcessorIndex): PinCheck {
    const { ports, ring, routing, absentMs } = this.#parts;
    return new PinCheck({
      clock: ports.clock,
      log: ports.log,
      processor,
      lookup: (id, withinMs) => ports.processors[processor].lookup(id, withinMs),
      timeoutMs: () => routing.timeoutMs(processor),
      absentMs,
      queue: new SlotQueue(ring.slots),
      idText: (slot) => ring.idText(slot),
      onKnown: (slot, held) => this.#pinChecked(slot, held, processor),
    });
  }

  #pinChecked(slot: number, held: Charge | 'absent', processor: ProcessorIndex): void {
    const { ring, letGo } = this.#parts;
    const row = this.#rows.get(slot) as LedgerRow;
    this.#rows.delete(slot);
    const id = ring.idText(slot);
    if (held === 'absent') {
      const places = { accepted: this.#accepted(slot), recorded: rowSaid(row) };
      this.anomalies.report(anomalyOf('recorded at another processor', id, places));
    } else {
      this.anomalies.report(contradictionOf({ ...held, processor }, row));
    }
    letGo(slot, row.amountCents);
  }

  /** What was promised, and where it was sent. */
  #accepted(slot: number): Said {
    const { ring } = this.#parts;
    const pin = ring.pinOf(slot);
    return pin === -1
      ? { amountCents: ring.amountCents[slot] as number }
      : chargeSaid(chargeOf(ring, slot), pin);
  }
}
