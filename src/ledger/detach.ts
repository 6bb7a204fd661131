// Detaching: a month leaves the archive, and stays as a table of its own. Nobody waits for that.
// What its ids are known by is packed before, since none of them may be charged again.

import type pg from 'pg';
import { sleep } from '../clock.ts';
import { patiently, slowly } from './archive-session.ts';
import { isNoted, stateOf, type Month } from './archive-months.ts';
import { forgetPacked, noteDetached, packIds } from './detached-ids.ts';
import { writersEnd, type Progressing } from './payments-writers.ts';

// Both wait for open transactions that have read the archive, and hold up no other one.
const DETACH = ({ table }: Month): string =>
  `ALTER TABLE archived_payments DETACH PARTITION ${table} CONCURRENTLY`;
const FINALIZE = ({ table }: Month): string =>
  `ALTER TABLE archived_payments DETACH PARTITION ${table} FINALIZE`;

/**
 * Detaches a month, also after an earlier try that was cut off. Resolves with undefined when that
 * is done, or with the reason why not.
 * @throws when the ledger doesn't answer
 */
export async function detach(
  client: pg.ClientBase,
  month: Month,
  parts: Progressing,
): Promise<string | undefined> {
  const state = await stateOf(client, month);
  if (state === 'absent') return `${month.name} is not in the archive`;
  if (state === 'detached') return `${month.name} is detached already: ${month.table}`;
  if (state === 'attached') {
    if (!(await isNoted(client, month))) {
      await patiently(parts.clock, () => forgetPacked(client, month));
      await packAll(client, month, parts);
    }
    if (!(await patiently(parts.clock, () => noteDetached(client, month))))
      return `${month.table} and what detached_ids has of ${month.name} do not have the same ids`;
    // A batch that began before may see neither the note nor, later, the month.
    await writersEnd(client, parts);
  }
  await slowly(client, state === 'attached' ? DETACH(month) : FINALIZE(month));
  return undefined;
}

async function packAll(
  client: pg.ClientBase,
  month: Month,
  { clock, progress }: Progressing,
): Promise<void> {
  let last: string | undefined;
  do {
    const startMs = clock.elapsed();
    const after = last;
    last = await patiently(clock, () => packIds(client, month, after));
    progress(() => `${month.name}: ids are packed up to ${last}`);
    // At least half of the time is for others.
    await sleep(clock, clock.elapsed() - startMs);
  } while (last !== undefined);
}
