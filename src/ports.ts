// The ports: everything through which an engine touches the world. The simulation gives it others.

import type { Anomaly } from './ledger/anomaly.ts';
import type { FilterFile } from './buffer/filter-file.ts';
import type { JournalFile } from './buffer/journal.ts';
import type { Clock } from './clock.ts';
import type { Cpu } from './cpu.ts';
import type { Processor } from './gateways/processor.ts';
import type { LedgerConnection } from './ledger/libpq.ts';
import type { Repair } from './ledger/reader.ts';
import type { PageWanted, SettledPage } from './ledger/settled-page.ts';
import type { Log } from './log/log.ts';
import type { OperatorAction } from './ledger/operator-action.ts';
import type { GivenUp, LedgerEntry } from './payment.ts';

/**
 * What the owner of a payment answers to a hand-over: 'away' when it doesn't answer, or has no room
 * now.
 */
export type Offered = 'accepted' | 'conflict' | 'given up' | 'away';

export interface Ports {
  readonly clock: Clock;
  readonly cpu: Cpu;
  readonly journalFile: JournalFile;
  /** Keeps the Bloom filter of settled ids; undefined where it is in memory alone. */
  readonly filterFile?: FilterFile | undefined;
  readonly processors: readonly [Processor, Processor];
  readonly ledger: LedgerPort;
  /** Hands a payment over to the instance that owns it. Never rejects. */
  readonly offer: (
    owner: number,
    correlationId: string,
    amountCents: number,
    isInDoubt: boolean,
  ) => Promise<Offered>;
  /**
   * Whether this process still runs this instance: in a cluster another one may have followed.
   * Rejects when that can't be said.
   */
  readonly isOurs: () => Promise<boolean>;
  readonly log: Log;
  /** The journal can't be trusted any more: the process must end, and the next start recovers. */
  readonly onFatal: (error: unknown) => void;
}

export interface LedgerPort {
  readonly connect: () => Promise<LedgerConnection>;
  /** What the ledger has of these payments; an id may have a row and be given up. */
  readonly find: (correlationIds: readonly string[]) => Promise<readonly LedgerEntry[]>;
  /** Settled ids, and those that were given up. */
  readonly idsAfter: (wanted: PageWanted) => Promise<SettledPage>;
  /** The next repairs of payments after the one with this number, in order. */
  readonly repairsAfter: (number: string, most: number) => Promise<readonly Repair[]>;
  /** Resolves when they are committed. An anomaly that is in the table stays as it is. */
  readonly recordAnomalies: (anomalies: readonly Anomaly[]) => Promise<void>;
  /** Resolves when it is committed. */
  readonly recordAction: (action: OperatorAction) => Promise<void>;
  /**
   * Records that an operator gave the payment up; repeating it adds nothing. Resolves when that is
   * committed, with 'settled' if the ledger has the payment's row: then nothing is recorded.
   */
  readonly giveUp: (payment: Omit<GivenUp, 'givenUpAtMs'>) => Promise<'given up' | 'settled'>;
}
