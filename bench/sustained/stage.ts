// Where the submission runs under its limits: in containers, or without Docker in control groups.

import type { NetConnectOpts } from 'node:net';
import type { Endpoints } from '../../tools/audit/endpoints.ts';
import type { Usage } from '../../tools/compose/usage.ts';
import type { LedgerConnection } from './ledger-connection.ts';

export interface Stage {
  /** In words, for the table's title. */
  readonly name: string;
  /** nginx. */
  readonly to: NetConnectOpts;
  readonly endpoints: Endpoints;
  /** Of the containers whose processes are not children of this one. */
  readonly containers: readonly string[];
  openLedger(): Promise<LedgerConnection>;
  /** Of the parts that have limits. */
  usage(): Promise<ReadonlyMap<string, Usage>>;
  processorsCpuMs(): Promise<number>;
  close(): Promise<void>;
}
