// All payments of a simulated processor with their times, which the ledger must have too.

import type { ProcessorIndex } from '../../src/payment.ts';
import type { Entry } from './ledger.ts';

const TIMEOUT_MS = 60_000;

export interface Charged extends Entry {
  /** When the processor stored it, by its own clock; null where it doesn't know any more. */
  readonly chargedAtMs: number | null;
}

export async function chargedAt(
  processor: ProcessorIndex,
  url: string,
  token: string,
): Promise<Charged[]> {
  const answer = await fetch(`${url}/admin/payments`, {
    headers: { 'X-Rinha-Token': token },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const payments = (await answer.json()) as readonly {
    readonly correlationId: string;
    readonly amountCents: number;
    readonly requestedAt: string;
    readonly chargedAtMs: number | null;
  }[];
  return payments.map(({ correlationId, amountCents, requestedAt, chargedAtMs }) => ({
    id: correlationId,
    processor,
    cents: amountCents,
    requestedAtMs: Date.parse(requestedAt),
    chargedAtMs,
  }));
}
