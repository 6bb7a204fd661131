// Anomalies: what is said of one payment in two places and can't both be true. Each is logged, and
// kept in the ledger's table.

import { processorName, type Charge, type LedgerRow, type ProcessorIndex } from './payment.ts';

/**
 * - charged at both processors: the ledger has one, and the other one holds it as well.
 * - charged and not recorded: a processor holds it, and neither the ledger nor the journal said so.
 * - recorded with other values: at the same processor, and the ledger has another amount or time.
 * - recorded at another processor: than the one it was sent to, which doesn't hold it.
 * - settled with another amount: than the one that was answered with a 202.
 * - owner knows another amount: than the one that another instance answered with a 202.
 * - processor holds another amount: than the one that was sent.
 */
export type AnomalyKind =
  | 'charged at both processors'
  | 'charged and not recorded'
  | 'recorded with other values'
  | 'recorded at another processor'
  | 'settled with another amount'
  | 'owner knows another amount'
  | 'processor holds another amount';

/** What one place says of the payment. */
export interface Statement {
  readonly processor?: string;
  readonly amountCents: number;
  readonly requestedAt?: string;
}

/** An empty one: it isn't known what that place says. */
export type Said = Statement | Readonly<Record<string, never>>;
const NOTHING: Said = {};

export interface Anomaly {
  readonly correlationId: string;
  readonly kind: AnomalyKind;
  /**
   * What was promised; with the processor that it was sent to, if it was. Each is empty where it
   * isn't known.
   */
  readonly accepted: Said;
  /** What a processor holds. */
  readonly charged: Said;
  /** What the ledger has. */
  readonly recorded: Said;
}

type Places = Partial<Pick<Anomaly, 'accepted' | 'charged' | 'recorded'>>;

export function anomalyOf(kind: AnomalyKind, correlationId: string, places: Places): Anomaly {
  return {
    correlationId,
    kind,
    accepted: NOTHING,
    charged: NOTHING,
    recorded: NOTHING,
    ...places,
  };
}

export const chargeSaid = (charge: Charge, processor: ProcessorIndex): Statement => ({
  processor: processorName(processor),
  amountCents: charge.amountCents,
  requestedAt: new Date(charge.requestedAtMs).toISOString(),
});

export const rowSaid = (row: LedgerRow): Statement => chargeSaid(row, row.processor);

/** The processor answered that it holds `row`, and the ledger has had another row before. */
export function contradictionOf(row: LedgerRow, recorded: LedgerRow): Anomaly {
  const kind =
    row.processor === recorded.processor
      ? 'recorded with other values'
      : 'charged at both processors';
  return anomalyOf(kind, row.correlationId, {
    charged: rowSaid(row),
    recorded: rowSaid(recorded),
  });
}

export const isSameRow = (one: LedgerRow, other: LedgerRow): boolean =>
  one.processor === other.processor &&
  one.amountCents === other.amountCents &&
  one.requestedAtMs === other.requestedAtMs;
