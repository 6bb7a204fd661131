// The batch writer between a virtual clock and a ledger without a database.

import type { HeldPayments } from '../../src/buffer/held-payments.ts';
import type { Recovering } from '../../src/buffer/recovering.ts';
import type { Ring } from '../../src/buffer/ring.ts';
import { BatchWriter, type BatchWriterParts } from '../../src/settlement/batch-writer.ts';
import type { Contradictions } from '../../src/settlement/contradictions.ts';
import type { LedgerRow, ProcessorIndex } from '../../src/payment.ts';
import { FakeLedger } from '../ledger/fake-ledger.ts';
import { rowOf } from '../ledger/ledger-fixture.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

export interface Bench {
  readonly clock: VirtualClock;
  readonly ledger: FakeLedger;
  readonly writer: BatchWriter;
  readonly recorded: number[];
  /** What it logged: event and details. */
  readonly said: { readonly event: string; readonly [detail: string]: unknown }[];
  /** Slots of payments that the ledger had otherwise, and what it had. */
  readonly contradicted: { readonly slot: number; readonly row: LedgerRow }[];
  /** Charges the payment of this row. */
  readonly addRow: (row: LedgerRow) => void;
  /** Charges so many payments; slots count from 0, and slot n has n + 1 cents. */
  readonly add: (count: number, processor?: ProcessorIndex) => void;
}

const SLOTS = 10_000;

export interface Surroundings {
  readonly slots?: number;
  readonly rowOf: (slot: number) => LedgerRow;
  /** The slot is released. */
  readonly onRecorded: (slot: number) => void;
  readonly onContradicted: (slot: number, row: LedgerRow) => void;
}

/** What the writer has around it: a ring with the given rows. */
export function surroundings(given: Surroundings) {
  const { slots = SLOTS, rowOf: row, onRecorded, onContradicted } = given;
  return {
    ring: {
      slots,
      chargeState: new Uint8Array(slots),
      amountCents: new Float64Array(slots),
      pinOf: (slot: number) => row(slot).processor,
      chargeOf: row,
    } as unknown as Ring,
    held: { release: onRecorded } as unknown as HeldPayments,
    recovering: { end: () => {} } as unknown as Recovering,
    contradictions: { recordedBefore: onContradicted } as unknown as Contradictions,
  };
}

export function setUp(
  config: Partial<BatchWriterParts['config']> = {},
  changes: Partial<Surroundings> = {},
): Bench {
  const clock = new VirtualClock();
  const ledger = new FakeLedger();
  const rows: LedgerRow[] = [];
  const recorded: number[] = [];
  const said: Bench['said'] = [];
  const contradicted: Bench['contradicted'] = [];
  const say = (event: string, details = {}): unknown => said.push({ event, ...details });
  const writer = new BatchWriter({
    config: { BATCH_ROWS: 10, BATCH_WAIT_MS: 10, BATCH_ROWS_MAX: 1000, ...config },
    clock,
    ledger,
    ...surroundings({
      rowOf: (slot) => rows[slot] as LedgerRow,
      onRecorded: (slot) => recorded.push(slot),
      onContradicted: (slot, row) => contradicted.push({ slot, row }),
      ...changes,
    }),
    log: { info: say, warn: say, error: say },
  });
  const addRow = (row: LedgerRow): void => {
    rows.push(row);
    writer.add(rows.length - 1);
  };
  const add = (count: number, processor: ProcessorIndex = 0): void => {
    for (let n = 0; n < count; n++) addRow(rowOf(rows.length, 1 + rows.length, 0, processor));
  };
  return { clock, ledger, writer, recorded, said, contradicted, add, addRow };
}
