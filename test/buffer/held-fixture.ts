// Held payments over a journal in memory, with the parts that they need.

import { BloomFilter } from '../../src/buffer/bloom-filter.ts';
import { HeldPayments } from '../../src/buffer/held-payments.ts';
import { Journal } from '../../src/buffer/journal.ts';
import { Recovering } from '../../src/buffer/recovering.ts';
import { Ring } from '../../src/buffer/ring.ts';
import type { Clock } from '../../src/clock.ts';
import { Anomalies } from '../../src/ledger/anomalies.ts';
import { SettledLookup } from '../../src/ledger/settled-lookup.ts';
import type { Log } from '../../src/log/log.ts';
import { fileBytes } from './held-model.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';

export interface HeldOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly slots: number;
  readonly sync?: 'never' | 'always';
  readonly onFatal?: (error: unknown) => void;
}

export function makeHeld({ clock, log, slots, sync = 'never', onFatal = fail }: HeldOptions) {
  const ring = new Ring(slots, 1);
  const file = new MemoryJournalFile(fileBytes(slots));
  const journal = new Journal(file, ring, sync);
  journal.format(1);
  const settledIds = new BloomFilter(1, 1);
  settledIds.complete = true;
  const recovering = new Recovering(clock, log);
  const anomalies = new Anomalies({
    clock,
    log,
    ledger: { recordAnomalies: () => Promise.resolve() },
  });
  const lookup = new SettledLookup({ find: () => Promise.resolve([]) }, clock);
  const parts = { clock, log, ring, journal, settledIds, recovering, anomalies, lookup, onFatal };
  return { ...parts, file, held: new HeldPayments(parts) };
}

function fail(error: unknown): never {
  throw error as Error;
}
