// An engine alone: its journal is in memory, its processors do as the test says, its ledger takes
// every row, and there is no other instance.

import assert from 'node:assert/strict';
import type { Anomaly } from '../../src/ledger/anomaly.ts';
import { readConfig } from '../../src/config/config.ts';
import { IDLE_CPU, type Cpu } from '../../src/cpu.ts';
import { Engine } from '../../src/engine.ts';
import { withoutAnswer, type Outcome } from '../../src/gateways/outcome.ts';
import type { Processor } from '../../src/gateways/processor.ts';
import {
  DEFAULT,
  FALLBACK,
  type Charge,
  type LedgerRow,
  type ProcessorIndex,
} from '../../src/payment.ts';
import type { Ports } from '../../src/ports.ts';
import type { VirtualClock } from '../ledger/virtual-clock.ts';
import type { MemoryJournalFile } from './memory-journal-file.ts';

export const SLOTS = 5;
const nothing = (): void => {};

export interface LoneEngineParts {
  /** JOURNAL_SYNC. */
  readonly sync: string;
  readonly clock: VirtualClock;
  /** Idle by default. */
  readonly cpu?: Cpu;
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
  /** The rows that the ledger has; none by default. */
  readonly rows?: readonly LedgerRow[];
  /** Is told what is written into the ledger's table of anomalies. */
  readonly reported?: (anomaly: Anomaly) => void;
  /** It always is by default. */
  readonly isOurs?: Ports['isOurs'];
  readonly settings?: Readonly<Record<string, string>>;
  /** Is told each event, of whatever level. */
  readonly log?: (event: string, details?: Readonly<Record<string, unknown>>) => void;
  /** Fails the test by default. */
  readonly onFatal?: (error: unknown) => void;
}

/** The settings without a default; nothing is there. */
export const REQUIRED_SETTINGS = {
  SOCKET_PATH: '/run/a.sock',
  JOURNAL_PATH: '/run/a.journal',
  DATABASE_URL: 'postgres://localhost/none',
  PROCESSOR_DEFAULT_URL: 'http://127.0.0.1:1',
  PROCESSOR_FALLBACK_URL: 'http://127.0.0.1:1',
};

export function loneEngine(parts: LoneEngineParts): Engine {
  const { sync, clock, file, slots = SLOTS, onFatal = fail, log = nothing } = parts;
  const { rows = [], reported = nothing } = parts;
  const { charge = (): Outcome => 'declined', lookup = (): 'unknown' => 'unknown' } = parts;
  const processor = (index: ProcessorIndex): Processor => ({
    charge: async (payment, timeoutMs) => withoutAnswer(await charge(payment, index, timeoutMs)),
    lookup: (correlationId) =>
      Promise.resolve({ held: lookup(correlationId, index), status: 0, excerpt: '' }),
    health: () => Promise.resolve(undefined),
  });
  const config = readConfig({
    ...REQUIRED_SETTINGS,
    RING_SLOTS: String(slots),
    CONSUMERS: '1',
    JOURNAL_SYNC: sync,
    JOURNAL_SYNC_EVERY_MS: '60000',
    ...parts.settings,
  });
  return new Engine(config, {
    clock,
    cpu: parts.cpu ?? IDLE_CPU,
    journalFile: file,
    processors: [processor(DEFAULT), processor(FALLBACK)],
    ledger: {
      connect: () =>
        Promise.resolve({ record: (batch) => Promise.resolve(batch.rows), close: nothing }),
      find: (ids) => Promise.resolve(rows.filter((row) => ids.includes(row.correlationId))),
      idsAfter: () => Promise.resolve({ ids: new Uint32Array(), last: undefined }),
      repairsAfter: () => Promise.resolve([]),
      recordAnomalies: (anomalies) => {
        anomalies.forEach(reported);
        return Promise.resolve();
      },
      recordAction: () => Promise.resolve(),
      giveUp: () => Promise.resolve('given up'),
    },
    isOurs: parts.isOurs ?? (() => Promise.resolve(true)),
    offer: () => Promise.resolve('away'),
    log: { info: log, warn: log, error: log },
    onFatal,
  });
}

function fail(error: unknown): never {
  assert.fail(String(error));
}
