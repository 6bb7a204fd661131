// Fills the memory of settled ids from the ledger, in pages and in the background: until it is done, every new id is asked about.

import { sleep, type Clock } from '../clock.ts';
import { readId, type IdWords } from '../payment.ts';

export interface LoadParts {
  readonly clock: Clock;
  /** The next settled ids after one, in order. @throws when the ledger can't be asked */
  readonly idsAfter: (correlationId: string, most: number) => Promise<readonly string[]>;
  readonly add: (id: IdWords) => void;
  /** While false, loading ends without a result: the ledger was purged, or we stop. */
  readonly isWanted: () => boolean;
}

/** Some milliseconds of work: intake waits no longer. */
const PAGE = 1_000;
const RETRY_MS = 500;
/** Between pages: the payments come first. */
const PAUSE_MS = 5;

/** Whether everything was loaded. Never rejects. */
export async function loadSettled({ clock, idsAfter, add, isWanted }: LoadParts): Promise<boolean> {
  const id = new Uint32Array(4);
  let last = '00000000-0000-0000-0000-000000000000';
  // Pages start after an id, so nothing would tell of this one: it is asked about for ever.
  add(id);
  while (isWanted()) {
    try {
      const page = await idsAfter(last, PAGE);
      if (!isWanted()) return false;
      for (const text of page) {
        readId(Buffer.from(text, 'latin1'), 0, id);
        add(id);
      }
      if (page.length < PAGE) return true;
      last = page.at(-1) as string;
      await sleep(clock, PAUSE_MS);
    } catch {
      await sleep(clock, RETRY_MS);
    }
  }
  return false;
}
