// Batches whose commit took long. Somebody may have ended their wait for the standby
// (pg_cancel_backend). PostgreSQL then answers as if all were well, with a warning that libpq's
// binding doesn't show: the rows are on one disk. So after a slow commit `pg`, which shows
// warnings, finds a row of the batch, and that waits for the standby.
//
// A wait that is ended within SLOW_MS isn't noticed.

import type { Clock } from '../clock.ts';
import { LedgerFailure, type LedgerConnection } from './libpq.ts';

/** Longer than most commits take, shorter than it takes to see one that waits and to end it. */
const SLOW_MS = 100;

/** In an array's text form. */
const ID_IN_BATCH = /[0-9a-f-]{36}/;

export interface SlowCommitsParts {
  readonly clock: Clock;
  /** Resolves when the rows of these ids that are there are safe. Rejects if that isn't certain. */
  readonly find: (ids: readonly string[]) => Promise<unknown>;
}

/** The same connection; a batch that it recorded slowly counts once its rows are safe. */
export function checkSlowCommits(
  connection: LedgerConnection,
  { clock, find }: SlowCommitsParts,
): LedgerConnection {
  return {
    record: async (batch) => {
      const beganMs = clock.elapsed();
      const inserted = await connection.record(batch);
      if (clock.elapsed() - beganMs < SLOW_MS) return inserted;
      try {
        // One row is enough: they were committed together.
        await find(batch.ids.match(ID_IN_BATCH) ?? []);
        return inserted;
      } catch (error) {
        connection.close();
        throw new LedgerFailure('broken', (error as Error).message);
      }
    },
    close: () => connection.close(),
  };
}
