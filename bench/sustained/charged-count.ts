// How many payments the processors hold, asked of them alone: for a summary the backend writes out
// its batches, so that would change what is measured.

import { standingOf, sumOf } from '../../tools/audit/totals.ts';
import type { Endpoints } from '../../tools/audit/endpoints.ts';

/** Infinite while a processor doesn't answer. */
export async function chargedCount(
  endpoints: Pick<Endpoints, 'processorSummaries'>,
): Promise<number> {
  const answers = await endpoints.processorSummaries();
  const { processors } = standingOf([{ status: 0, body: null }, ...answers]);
  return processors === null ? Infinity : sumOf(processors).requests;
}
