// Syncs the journal periodically: for JOURNAL_SYNC=interval, and for a table, whose releases would
// otherwise be committed with the next payment only. Whoever takes over an idle shard would find
// payments that were settled long ago.

import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from './journal.ts';

export interface IntervalSyncParts {
  readonly clock: Clock;
  readonly journal: Journal;
  /** The pause between two syncs; undefined for none. */
  readonly everyMs: number | undefined;
  /** Called when the disk fails. */
  readonly onFatal: (error: unknown) => void;
}

/** As often as the owner of a shard beats. */
const TABLE_EVERY_MS = 1_000;

/** The pause between two syncs; undefined if nothing is synced periodically. */
export function syncEveryMs(
  config: Pick<Config, 'JOURNAL' | 'JOURNAL_SYNC' | 'JOURNAL_SYNC_EVERY_MS'>,
): number | undefined {
  if (config.JOURNAL === 'table') return TABLE_EVERY_MS;
  return config.JOURNAL_SYNC === 'interval' ? config.JOURNAL_SYNC_EVERY_MS : undefined;
}

export class IntervalSync {
  readonly #parts: IntervalSyncParts;
  #stopped = false;

  constructor(parts: IntervalSyncParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, journal, everyMs, onFatal } = this.#parts;
    if (everyMs === undefined) return;
    clock.after(everyMs, () => {
      if (this.#stopped) return;
      journal.syncNow().then(() => this.start(), onFatal);
    });
  }

  stop(): void {
    this.#stopped = true;
  }
}
