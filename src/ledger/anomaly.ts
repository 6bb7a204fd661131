// An anomaly: two of the places that know a payment (the 202, a processor, the ledger, its owner)
// contradict each other. Each anomaly is logged and recorded in the ledger's table.

import { processorName, type Charge, type LedgerRow, type ProcessorIndex } from '../payment.ts';

/**
 * - charged at both processors: the ledger has the charge of one processor, and the other processor
 *   holds the payment too.
 * - charged and not recorded: a processor holds the payment, and neither the ledger nor the journal
 *   knew of the charge.
 * - recorded with other values: the ledger has the same processor, with another amount or time.
 * - recorded at another processor: the payment was sent to one processor, which doesn't hold it,
 *   and the ledger has the other one.
 * - settled with another amount: the ledger has another amount than the 202 was for.
 * - owner knows another amount: the owner has another amount than another instance's 202 was for.
 * - processor holds another amount: a processor holds another amount than it was sent.
 */
export type AnomalyKind =
  | 'charged at both processors'
  | 'charged and not recorded'
  | 'recorded with other values'
  | 'recorded at another processor'
  | 'settled with another amount'
  | 'owner knows another amount'
  | 'processor holds another amount';

/** A payment's values in one place. */
interface PaymentValues {
  readonly processor?: string;
  readonly amountCents: number;
  /** ISO 8601. */
  readonly requestedAt?: string;
}

/** Empty if the values in that place are not known. */
export type KnownValues = PaymentValues | Readonly<Record<string, never>>;
const NOT_KNOWN: KnownValues = {};

export interface Anomaly {
  readonly correlationId: string;
  readonly kind: AnomalyKind;
  /** What the 202 was for, and the processor that the payment was sent to. */
  readonly accepted: KnownValues;
  /** What a processor holds. */
  readonly charged: KnownValues;
  /** What the ledger has. */
  readonly recorded: KnownValues;
}

type Places = Partial<Pick<Anomaly, 'accepted' | 'charged' | 'recorded'>>;

export function anomalyOf(kind: AnomalyKind, correlationId: string, places: Places): Anomaly {
  return {
    correlationId,
    kind,
    accepted: NOT_KNOWN,
    charged: NOT_KNOWN,
    recorded: NOT_KNOWN,
    ...places,
  };
}

export const valuesOfCharge = (charge: Charge, processor: ProcessorIndex): PaymentValues => ({
  processor: processorName(processor),
  amountCents: charge.amountCents,
  requestedAt: new Date(charge.requestedAtMs).toISOString(),
});

export const valuesOfRow = (row: LedgerRow): PaymentValues => valuesOfCharge(row, row.processor);

/** The processor answered that it holds `row`, but the ledger already has `recorded`. */
export function contradictionOf(row: LedgerRow, recorded: LedgerRow): Anomaly {
  const kind =
    row.processor === recorded.processor
      ? 'recorded with other values'
      : 'charged at both processors';
  return anomalyOf(kind, row.correlationId, {
    charged: valuesOfRow(row),
    recorded: valuesOfRow(recorded),
  });
}

export const isSameRow = (one: LedgerRow, other: LedgerRow): boolean =>
  one.processor === other.processor &&
  one.amountCents === other.amountCents &&
  one.requestedAtMs === other.requestedAtMs;
