// Compares the ledger's rows with the processors' payments: the same processor, cents and
// millisecond for each id.

import { processorName, type ProcessorIndex } from '../../src/payment.ts';

export interface Entry {
  readonly id: string;
  readonly processor: ProcessorIndex;
  readonly cents: number;
  readonly requestedAtMs: number;
}

/** Rows come as "id processor cents milliseconds". */
export const LEDGER_QUERY = `
  SELECT correlation_id, processor, amount_cents,
    round(extract(epoch FROM requested_at) * 1000)::bigint
  FROM payments`;

export function entryOfRow(row: string): Entry {
  const [id = '', processor, cents, requestedAtMs] = row.split(' ');
  return {
    id,
    processor: processor === '0' ? 0 : 1,
    cents: Number(cents),
    requestedAtMs: Number(requestedAtMs),
  };
}

/** A line for each payment on which both sides don't agree. */
export function ledgerFaults(ledger: readonly Entry[], charged: readonly Entry[]): string[] {
  const textOf = ({ processor, cents, requestedAtMs }: Entry): string =>
    `${processorName(processor)}, ${cents} cents, ${new Date(requestedAtMs).toISOString()}`;
  const recorded = new Map(ledger.map((entry) => [entry.id.toLowerCase(), textOf(entry)]));
  const held = new Map(charged.map((entry) => [entry.id.toLowerCase(), textOf(entry)]));
  return [...new Set([...recorded.keys(), ...held.keys()])]
    .filter((id) => recorded.get(id) !== held.get(id))
    .map(
      (id) =>
        `${id}: the ledger says ${recorded.get(id) ?? 'nothing'}, ` +
        `the processor ${held.get(id) ?? 'nothing'}`,
    );
}
