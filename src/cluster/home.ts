// The database in which a shard's cells were written. A restored backup is another one, and its
// cells are older than what was sent since: a payment without a pin may be charged. So both
// processors are asked about each of them before it is sent, by the shard that owns it. A standby
// that became the primary is another one, too, and so is one that nobody knows.

import { inDoubt } from '../buffer/journal-cell.ts';
import type { Log } from '../log/log.ts';
import type { CellRow, ShardSession } from './shard-session.ts';

export interface FoundCells {
  readonly session: ShardSession;
  readonly log: Log;
  readonly shard: number;
  readonly cells: readonly CellRow[];
}

/** Writes the doubt into the cells, so that it outlives this process. Resolves with the cells. */
export async function doubtUnpinned({
  session,
  log,
  shard,
  cells,
}: FoundCells): Promise<readonly CellRow[]> {
  const doubtful = cells.flatMap(({ slot, cell }) => {
    const changed = slot < 0 ? undefined : inDoubt(cell);
    return changed === undefined ? [] : [{ slot, cell: changed }];
  });
  const slots = doubtful.map(({ slot }) => slot);
  await session.write(slots, Buffer.concat(doubtful.map(({ cell }) => cell)));
  await session.setHome();
  log.warn('the database is another one', { shard, doubted: doubtful.length });
  const changed = new Map(doubtful.map((row) => [row.slot, row]));
  return cells.map((row) => changed.get(row.slot) ?? row);
}
