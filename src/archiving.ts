// What an operator does to the archive: rows of old months are moved there, and a month leaves it.
// Each command resolves with undefined when it is done, or with the reason why not.

import { systemClock as clock } from './clock.ts';
import { Archive } from './ledger/archive.ts';
import type { Month } from './ledger/archive-months.ts';
import { ArchiveRefused, connectArchive } from './ledger/archive-session.ts';
import { detach } from './ledger/detach.ts';
import type { Progressing } from './ledger/payments-writers.ts';
import { Progress } from './reconcile/progress.ts';

type Say = (text: string) => void;
type Client = Awaited<ReturnType<typeof connectArchive>>;

export function archiveBefore(month: Month, url: string, say: Say): Promise<string | undefined> {
  const startMs = clock.elapsed();
  return withArchive(url, async (client) => {
    const rows = await new Archive(client, { ...progressing(), warn }).before(month);
    say(`archived ${rows} rows in ${((clock.elapsed() - startMs) / 1_000).toFixed(1)} s`);
    return undefined;
  });
}

export function detachMonth(month: Month, url: string, say: Say): Promise<string | undefined> {
  return withArchive(url, async (client) => {
    const why = await detach(client, month, progressing());
    if (why !== undefined) return why;
    say(`${month.name} is the table ${month.table} by itself: dump it, then drop it`);
    say('its sums stay, and its ids are known by detached_ids: none is charged again');
    return undefined;
  });
}

function progressing(): Progressing {
  const reports = new Progress(clock, warn);
  return { clock, progress: (text) => reports.step(text) };
}

/** Calls `use` with a session that may move rows. */
async function withArchive(
  url: string,
  use: (client: Client) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    const client = await connectArchive(url);
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  } catch (error) {
    if (error instanceof ArchiveRefused) return error.message;
    throw error;
  }
}

function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}
