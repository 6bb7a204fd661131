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
  readonly troubles: string[];
  /** Charges so many payments; tokens count from 0, and token n has n + 1 cents. */
  readonly add: (count: number, processor?: ProcessorIndex) => void;
}

export function setUp(changes: Partial<WriterParts> = {}): Bench {
  const clock = new VirtualClock();
  const ledger = new FakeLedger();
  const rows: LedgerRow[] = [];
  const recorded: number[] = [];
  const troubles: string[] = [];
  const writer = new BatchWriter({
    clock,
    batchRows: 10,
    batchWaitMs: 10,
    batchRowsMax: 1000,
    capacity: 10_000,
    connect: ledger.connect,
    rowOf: (token) => rows[token] as LedgerRow,
    onRecorded: (token) => recorded.push(token),
    onTrouble: (message) => troubles.push(message),
    ...changes,
  });
  const add = (count: number, processor: ProcessorIndex = 0): void => {
    for (let n = 0; n < count; n++) {
      rows.push(rowOf(rows.length, 1 + rows.length, 0, processor));
      writer.add(processor, rows.length - 1);
    }
  };
  return { clock, ledger, writer, recorded, troubles, add };
}
