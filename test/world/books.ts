// The books as they are: what each processor holds and what the ledger has, by id, and what is
// still under way.

import { processorName, type ProcessorIndex } from '../../src/payment.ts';
import { query } from './database.ts';
import type { Instance } from './instances.ts';
import type { Processor } from './processor.ts';
import { wrongSumsOf } from './sums.ts';

export interface AuditedWorld {
  readonly databaseUrl: string;
  readonly processors: readonly Pick<Processor, 'name' | 'levers'>[];
  readonly instances: readonly Pick<Instance, 'program' | 'status'>[];
}

/** Where a payment is, and with which values. */
export interface Entry {
  readonly processor: 'default' | 'fallback';
  readonly cents: number;
  readonly requestedAtMs: number;
}

/** By id in lower case. More than one: charged or recorded more than once. */
export type Entries = ReadonlyMap<string, readonly Entry[]>;

export const isSame = (one: Entry, other: Entry): boolean =>
  one.processor === other.processor &&
  one.cents === other.cents &&
  one.requestedAtMs === other.requestedAtMs;

/** What the instances that run still hold, one line each; empty when all is settled. */
export async function unsettled({ instances }: AuditedWorld): Promise<string[]> {
  const lines: string[] = [];
  for (const [number, instance] of instances.entries()) {
    if (!instance.program.running) continue;
    const { held, queued, inFlight, aside, unknown, verifying, foreign, unrecorded, refused } =
      await instance.status();
    if (held + inFlight === 0) continue;
    const where = {
      held,
      queued,
      inFlight,
      aside,
      unknown,
      verifying,
      foreign,
      unrecorded,
      refused,
    };
    lines.push(`instance ${number} still holds ${JSON.stringify(where)}`);
  }
  return lines;
}

export async function processorEntries({ processors }: AuditedWorld): Promise<Entries> {
  const entries = new Map<string, Entry[]>();
  for (const { name, levers } of processors) {
    for (const { correlationId, amountCents, requestedAt } of await levers.payments()) {
      const requestedAtMs = Date.parse(requestedAt);
      add(entries, correlationId, { processor: name, cents: amountCents, requestedAtMs });
    }
  }
  return entries;
}

export async function ledgerEntries({ databaseUrl }: AuditedWorld): Promise<Entries> {
  const rows = await query<{ id: string; processor: ProcessorIndex; cents: string; ms: string }>(
    databaseUrl,
    `SELECT correlation_id::text AS id, processor, amount_cents::text AS cents,
            round(extract(epoch FROM requested_at) * 1000)::bigint::text AS ms FROM all_payments`,
  );
  const entries = new Map<string, Entry[]>();
  for (const { id, processor, cents, ms } of rows) {
    const name = processorName(processor);
    add(entries, id, { processor: name, cents: Number(cents), requestedAtMs: Number(ms) });
  }
  return entries;
}

function add(entries: Map<string, Entry[]>, id: string, entry: Entry): void {
  const known = entries.get(id.toLowerCase());
  if (known) known.push(entry);
  else entries.set(id.toLowerCase(), [entry]);
}

/** Periods whose sums are not those of their rows, one line each. */
export async function wrongSums({ databaseUrl }: AuditedWorld): Promise<string[]> {
  return (await wrongSumsOf(databaseUrl)).map(
    ({ processor, seconds, start, counted, summed }) =>
      `${processorName(processor)}, ${seconds} s at ${start}: rows give ${counted} (payments/cents), the sums ${summed}`,
  );
}
