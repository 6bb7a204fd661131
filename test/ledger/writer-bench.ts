// The batch writer between a virtual clock and a ledger without a database.

import { BatchWriter, type WriterParts } from '../../src/ledger/writer.ts';
import type { LedgerRow, ProcessorIndex } from '../../src/payment.ts';
import { FakeLedger } from './fake-ledger.ts';
import { rowOf } from './ledger-fixture.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface Bench {
  readonly clock: VirtualClock;
  readonly ledger: FakeLedger;
  readonly writer: BatchWriter;
  readonly recorded: number[];
  /** What it logged: event and details. */
  readonly said: { readonly event: string; readonly [detail: string]: unknown }[];
  /** Tokens of payments that the ledger had otherwise, and what it had. */
  readonly contradicted: { readonly token: number; readonly row: LedgerRow }[];
  /** Charges the payment of this row. */
  readonly addRow: (row: LedgerRow) => void;
  /** Charges so many payments; tokens count from 0, and token n has n + 1 cents. */
  readonly add: (count: number, processor?: ProcessorIndex) => void;
}

export function setUp(changes: Partial<WriterParts> = {}): Bench {
  const clock = new VirtualClock();
  const ledger = new FakeLedger();
  const rows: LedgerRow[] = [];
  const recorded: number[] = [];
  const said: Bench['said'] = [];
  const contradicted: Bench['contradicted'] = [];
  const say = (event: string, details = {}): unknown => said.push({ event, ...details });
  const writer = new BatchWriter({
    clock,
    batchRows: 10,
    batchWaitMs: 10,
    batchRowsMax: 1000,
    capacity: 10_000,
    ledger,
    rowOf: (token) => rows[token] as LedgerRow,
    onRecorded: (token) => recorded.push(token),
    onContradicted: (token, row) => contradicted.push({ token, row }),
    log: { info: say, warn: say, error: say },
    ...changes,
  });
  const addRow = (row: LedgerRow): void => {
    rows.push(row);
    writer.add(row.processor, rows.length - 1);
  };
  const add = (count: number, processor: ProcessorIndex = 0): void => {
    for (let n = 0; n < count; n++) addRow(rowOf(rows.length, 1 + rows.length, 0, processor));
  };
  return { clock, ledger, writer, recorded, said, contradicted, add, addRow };
}
