// All that a simulated processor holds, with the times, which the ledger must have too.

import type { ProcessorIndex } from '../../src/payment.ts';
import type { Entry } from './ledger.ts';

const TIMEOUT_MS = 60_000;

export async function chargedAt(
  processor: ProcessorIndex,
  url: string,
  token: string,
): Promise<Entry[]> {
  const answer = await fetch(`${url}/admin/payments`, {
    headers: { 'X-Rinha-Token': token },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const payments = (await answer.json()) as readonly {
    readonly correlationId: string;
    readonly amountCents: number;
    readonly requestedAt: string;
  }[];
  return payments.map(({ correlationId, amountCents, requestedAt }) => ({
    id: correlationId,
    processor,
    cents: amountCents,
    requestedAtMs: Date.parse(requestedAt),
  }));
}
