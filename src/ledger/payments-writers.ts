// Waits for the writers of `payments` that may not see what was committed just now.

import type pg from 'pg';
import { sleep, type Clock } from '../clock.ts';

export interface Progressing {
  readonly clock: Clock;
  /** How far it is. */
  readonly progress: (text: () => string) => void;
}

const LOOK_EVERY_MS = 5;

// A statement takes its locks before its snapshot: whoever has no lock yet will see it.
const WRITERS = `
  SELECT virtualtransaction AS writer FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE datname = current_database() AND relation = 'payments'::regclass AND granted
    AND mode = 'RowExclusiveLock'`;

/** Waits until all transactions that write to `payments` now are over. */
export async function writersEnd(
  client: pg.ClientBase,
  { clock, progress }: Progressing,
): Promise<void> {
  for (let left = await writers(client); left.size > 0;) {
    progress(() => `waits for ${left.size} open transactions that wrote to payments`);
    await sleep(clock, LOOK_EVERY_MS);
    const now = await writers(client);
    left = new Set([...left].filter((writer) => now.has(writer)));
  }
}

async function writers(client: pg.ClientBase): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ writer: string }>(WRITERS);
  return new Set(rows.map(({ writer }) => writer));
}
