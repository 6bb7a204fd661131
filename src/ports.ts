// The ports: all that an engine has of the world, so that a simulation can give it another one.

import type { Anomaly } from './anomaly.ts';
import type { Offered } from './buffer/admission.ts';
import type { JournalFile } from './buffer/journal.ts';
import type { Clock } from './clock.ts';
import type { Processor } from './gateways/processor.ts';
import type { LedgerConnection } from './ledger/libpq.ts';
import type { Log } from './log.ts';
import type { LedgerRow } from './payment.ts';

export interface Ports {
  readonly clock: Clock;
  readonly journalFile: JournalFile;
  readonly processors: readonly [Processor, Processor];
  readonly ledger: LedgerPort;
  /** Offers a payment to the instance that owns it. Never rejects. */
  readonly offer: (owner: number, correlationId: string, amountCents: number) => Promise<Offered>;
  readonly log: Log;
  /** The journal can't be relied on any more: the process has to end, and a start after it recovers. */
  readonly onFatal: (error: unknown) => void;
}

export interface LedgerPort {
  readonly connect: () => Promise<LedgerConnection>;
  readonly find: (correlationIds: readonly string[]) => Promise<readonly LedgerRow[]>;
  readonly idsAfter: (correlationId: string, most: number) => Promise<readonly string[]>;
  /** Resolves when they are committed; those that are there already stay as they are. */
  readonly recordAnomalies: (anomalies: readonly Anomaly[]) => Promise<void>;
}
