// A row of the ledger as a comparison reads it, and the parts that its statements share.

import type { ProcessorIndex } from '../payment.ts';
import { MS, TIME } from './sql-time.ts';

export interface BookedRow {
  readonly correlationId: string;
  readonly processor: ProcessorIndex;
  readonly cents: bigint;
  readonly requestedAtMs: number;
}

export interface BookedSum {
  readonly payments: bigint;
  readonly cents: bigint;
}

export interface TextRow {
  readonly id: string;
  readonly processor: ProcessorIndex;
  readonly cents: string;
  readonly ms: number;
}

export const rowOf = ({ id, processor, cents, ms }: TextRow): BookedRow => ({
  correlationId: id,
  processor,
  cents: BigInt(cents),
  requestedAtMs: ms,
});

export const isSameRow = (one: BookedRow, other: BookedRow): boolean =>
  one.processor === other.processor &&
  one.cents === other.cents &&
  one.requestedAtMs === other.requestedAtMs;

export const isSameSum = (one: BookedSum, other: BookedSum): boolean =>
  one.payments === other.payments && one.cents === other.cents;

export const ROW = `correlation_id::text AS id, processor, amount_cents::text AS cents,
  ${MS('requested_at')} AS ms`;
/** $1 and $2: both ends, in milliseconds. */
export const IN_RANGE = `requested_at >= ${TIME('$1')} AND requested_at <= ${TIME('$2')}`;
