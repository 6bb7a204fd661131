// What an operator does to the journal of a shard that no process runs. It is done under the
// shard's lock, as one more owner: an owner that lost its session and comes back has been followed.

import {
  CELL_BYTES,
  HEADER_BYTES,
  JournalError,
  SLOT_BYTES,
  readHeader,
} from '../buffer/journal-header.ts';
import { contentOf, latestOf, loadCells, STATE_FREE } from '../buffer/journal-cell.ts';
import { adoptAnyLedger, repairHeader } from '../buffer/journal-repair.ts';
import { systemClock } from '../clock.ts';
import { clientsOf } from './database-client.ts';
import { ShardSession, type CellRow } from './shard-session.ts';
import { ShardsTable } from './shards-table.ts';
import { headerFrom, TableJournal } from './table-journal.ts';

export interface OperatedShard {
  readonly url: string;
  readonly timeoutMs: number;
  readonly shard: number;
}

interface Owned {
  readonly session: ShardSession;
  readonly cells: readonly CellRow[];
}

const OWNER = 'operator';

/** The journal belongs to no ledger from now on. Resolves with the ledger's id, '' for none. */
export function adoptTable(shard: OperatedShard): Promise<string> {
  return withShard(shard, async ({ session, cells }) => {
    const file = fileOf(session, cells, 0);
    const ledger = adoptAnyLedger(file);
    await file.sync();
    return ledger;
  });
}

/** Makes a damaged header anew. Resolves with the number of whole cells. */
export function repairTable(
  shard: OperatedShard,
  { shards, ringSlots }: { readonly shards: number; readonly ringSlots: number },
): Promise<number> {
  return withShard(shard, async ({ session, cells }) => {
    if (cells.some(({ slot }) => slot >= ringSlots)) {
      throw new JournalError(`JOURNAL_PATH has more slots than RING_SLOTS, which is ${ringSlots}`);
    }
    const file = fileOf(session, cells, ringSlots);
    const bytes = HEADER_BYTES + ringSlots * SLOT_BYTES;
    const whole = repairHeader(file, bytes, { instance: shard.shard, instances: shards });
    await file.sync();
    // A file has two cells for each slot.
    return whole / 2;
  });
}

/** Removes the journal, which holds nothing: the next owner makes one of its own RING_SLOTS. */
export function removeTable(shard: OperatedShard): Promise<void> {
  return withShard(shard, async ({ session, cells }) => {
    const header = readHeader(headerFrom(cells) ?? Buffer.alloc(0));
    if (header === undefined) throw new JournalError('JOURNAL_PATH has no whole header: repair it');
    const held = cells.filter(({ slot, cell }) => slot >= 0 && !isFree(cell, slot, header));
    if (held.length > 0) {
      throw new JournalError(`JOURNAL_PATH holds ${held.length} payments: none may be forgotten`);
    }
    await session.removeCells();
  });
}

/** False for a damaged cell too, which may have held a payment. */
function isFree(
  cell: Buffer,
  slot: number,
  { journalId }: { readonly journalId: number },
): boolean {
  const latest = latestOf(
    loadCells(Buffer.concat([cell, Buffer.alloc(CELL_BYTES)]), slot, journalId),
  );
  return latest !== undefined && contentOf(latest).state === STATE_FREE;
}

function fileOf(session: ShardSession, cells: readonly CellRow[], slots: number): TableJournal {
  return new TableJournal(slots, cells, { write: (some, bytes) => session.write(some, bytes) });
}

/** @throws JournalError, which names the shard, if it can't be done; others without a database */
async function withShard<T>(
  { url, timeoutMs, shard }: OperatedShard,
  use: (owned: Owned) => Promise<T>,
): Promise<T> {
  const [newClient, clock] = [clientsOf(url, timeoutMs), systemClock];
  const table = new ShardsTable({ newClient, clock, shards: shard + 1, onNews: () => {} });
  const session = new ShardSession({ newClient, clock, shard });
  try {
    const row = (await table.read()).rows.find((one) => one.shard === shard);
    await session.open();
    const isOurs = row !== undefined && (await session.tryLock());
    const taken = isOurs ? await session.take(row.epoch, OWNER, '') : undefined;
    if (row === undefined) throw new JournalError('JOURNAL_PATH is not in this database');
    if (taken === undefined) {
      throw new JournalError('JOURNAL_PATH is in use: stop the instances, spares too');
    }
    try {
      return await use({ session, cells: await session.allCells() });
    } finally {
      await table.release({ shard, epoch: taken.epoch, owner: OWNER });
    }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    throw new JournalError(
      error.message.replaceAll('JOURNAL_PATH', `the journal of shard ${shard}`),
    );
  } finally {
    session.close();
    table.close();
  }
}
