// An engine alone: a journal in memory, processors that do as they are told, a ledger that takes everything, no other instance.

import assert from 'node:assert/strict';
import { readConfig } from '../../src/config.ts';
import { Engine } from '../../src/engine.ts';
import { unanswered, type Outcome } from '../../src/gateways/outcome.ts';
import type { Processor } from '../../src/gateways/processor.ts';
import { DEFAULT, FALLBACK, type Charge, type ProcessorIndex } from '../../src/payment.ts';
import type { VirtualClock } from '../ledger/virtual-clock.ts';
import type { MemoryJournalFile } from './memory-journal-file.ts';

export const SLOTS = 5;
const nothing = (): void => {};

export interface LoneEngineParts {
  /** JOURNAL_SYNC. */
  readonly sync: string;
  readonly clock: VirtualClock;
  readonly file: MemoryJournalFile;
  /** 5 by default. */
  readonly slots?: number;
  /** Every attempt is declined by default. */
  readonly charge?: (
    charge: Charge,
    processor: ProcessorIndex,
    timeoutMs: number,
  ) => Outcome | Promise<Outcome>;
  /** No question is answered by default. */
  readonly lookup?: (
    correlationId: string,
    processor: ProcessorIndex,
  ) => Charge | 'absent' | 'unknown';
  readonly settings?: Readonly<Record<string, string>>;
  /** Is told each event, of whatever level. */
  readonly log?: (event: string, details?: Readonly<Record<string, unknown>>) => void;
  /** Fails the test by default. */
  readonly onFatal?: (error: unknown) => void;
}

export function loneEngine(parts: LoneEngineParts): Engine {
  const { sync, clock, file, slots = SLOTS, onFatal = fail, log = nothing } = parts;
  const { charge = (): Outcome => 'declined', lookup = (): 'unknown' => 'unknown' } = parts;
  const processor = (index: ProcessorIndex): Processor => ({
    charge: async (payment, timeoutMs) => unanswered(await charge(payment, index, timeoutMs)),
    lookup: (correlationId) =>
      Promise.resolve({ held: lookup(correlationId, index), status: 0, said: '' }),
    health: () => Promise.resolve(undefined),
  });
  const config = readConfig({
    SOCKET_PATH: '/run/a.sock',
    JOURNAL_PATH: '/run/a.journal',
    DATABASE_URL: 'postgres://localhost/none',
    PROCESSOR_DEFAULT_URL: 'http://127.0.0.1:1',
    PROCESSOR_FALLBACK_URL: 'http://127.0.0.1:1',
    RING_SLOTS: String(slots),
    CONSUMERS: '1',
    JOURNAL_SYNC: sync,
    JOURNAL_SYNC_EVERY_MS: '60000',
    ...parts.settings,
  });
  return new Engine(config, {
    clock,
    journalFile: file,
    processors: [processor(DEFAULT), processor(FALLBACK)],
    ledger: {
      connect: () =>
        Promise.resolve({ record: ({ rows }) => Promise.resolve(rows), close: nothing }),
      find: () => Promise.resolve([]),
      idsAfter: () => Promise.resolve([]),
      recordAnomalies: () => Promise.resolve(),
    },
    offer: () => Promise.resolve('away'),
    log: { info: log, warn: log, error: log },
    onFatal,
  });
}

function fail(error: unknown): never {
  assert.fail(String(error));
}
