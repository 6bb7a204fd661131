// The journal as a table, without a database: what is written is committed by the next sync, and
// read again as it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal, JournalError } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { DEFAULT } from '../../src/payment.ts';
import type { CellRow } from '../../src/cluster/shard-session.ts';
import { TableJournal } from '../../src/cluster/table-journal.ts';
import { AGAIN, Random } from '../buffer/seed.ts';

const SLOTS = 50;

/** The table, and how many statements wrote to it. */
class Table {
  readonly cells = new Map<number, Buffer>();
  statements = 0;
  /** Called before each commit. */
  before: () => Promise<void> = () => Promise.resolve();

  async write(slots: readonly number[], bytes: Buffer): Promise<void> {
    this.statements++;
    // What the statement has was copied when it was made.
    const copy = Buffer.from(bytes);
    await this.before();
    for (const [n, slot] of slots.entries()) {
      this.cells.set(slot, copy.subarray(64 * n, 64 * (n + 1)));
    }
  }

  rows(): CellRow[] {
    return [...this.cells].map(([slot, cell]) => ({ slot, cell }));
  }
}

function open(table: Table): { readonly ring: Ring; readonly journal: Journal } {
  const ring = new Ring(SLOTS, 1);
  const file = new TableJournal(SLOTS, table.rows(), table);
  const journal = new Journal(file, ring, 'always');
  if (file.isNew) journal.format(0.5);
  const { damagedCells } = journal.recover();
  assert.equal(damagedCells, 0);
  return { ring, journal };
}

/** What a ring holds, by slot. */
function contentOf(ring: Ring): unknown[] {
  const slots = Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) =>
    ring.isLive(slot),
  );
  return slots.map((slot) => [slot, ring.idText(slot), ring.amountCents[slot], ring.pinOf(slot)]);
}

test(`after any writes and a sync, a start finds the ring as it was ${AGAIN}`, async () => {
  const random = new Random();
  for (let round = 0; round < 40; round++) {
    const table = new Table();
    const { ring, journal } = open(table);
    const held: number[] = [];
    for (let step = random.below(200); step > 0; step--) {
      const slot = held[random.below(held.length + 1)];
      if (slot === undefined) {
        const taken = ring.hold(random.id(), 1 + random.below(1000), step);
        if (taken < 0) continue;
        held.push(taken);
        journal.hold(taken);
      } else if (ring.pinOf(slot) < 0 && random.chance(0.5)) {
        ring.pin(slot, DEFAULT, step);
        journal.pin(slot);
      } else {
        journal.release(slot);
        ring.release(slot);
        held.splice(held.indexOf(slot), 1);
      }
      if (random.chance(0.1)) await journal.synced();
    }
    await journal.synced();
    assert.deepEqual(contentOf(open(table).ring), contentOf(ring));
  }
});

test('what is written during a commit is in the next one, and a sync of nothing asks nobody', async () => {
  const table = new Table();
  const { ring, journal } = open(table);
  await journal.synced();
  const first = ring.hold(Uint32Array.of(1, 2, 3, 4), 100, 1);
  journal.hold(first);
  let second = -1;
  table.before = async () => {
    if (second >= 0) return;
    second = ring.hold(Uint32Array.of(5, 6, 7, 8), 200, 2);
    journal.hold(second);
    journal.release(first);
  };
  await journal.synced();
  assert.equal(contentOf(open(table).ring).length, 1, 'the first is there, the second is not');
  const { statements } = table;
  await journal.synced();
  assert.deepEqual(contentOf(open(table).ring), [
    [second, '00000005-0000-0006-0000-000700000008', 200, -1],
  ]);
  await journal.synced();
  assert.equal(table.statements, statements + 1);
});

test('cells without a header are no new journal: their payments are not forgotten', async () => {
  for (const lost of [[-1], [-2], [-2, -1]]) {
    const table = new Table();
    const { ring, journal } = open(table);
    journal.hold(ring.hold(Uint32Array.of(1, 2, 3, 4), 100, 1));
    await journal.synced();
    for (const slot of lost) table.cells.delete(slot);
    assert.throws(() => open(table), JournalError);
  }
});

test('a header is more than its first bytes and zeros: nothing of it is lost', async () => {
  const table = new Table();
  const { journal } = open(table);
  const header = {
    ...journal.header,
    ledgerId: '01234567-89ab-cdef-0123-456789abcdef',
    instance: 15,
    instances: 16,
    mark: 2 ** 52,
    claimed: 2 ** 53 - 1,
    isBound: true,
  };
  journal.writeHeader(header);
  await journal.synced();
  assert.deepEqual(open(table).journal.header, header);
});
