// The ids of detached months are packed, many in a row: each is found with what its row said, and
// each is in one page of the settled ids, in order, whatever is beside it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { PACKED_IDS } from '../../src/ledger/detached-ids.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import { idToText, type LedgerRow } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { archiveBefore, detachMonth, settledIds } from './archive-fixture.ts';
import { makeLedger } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

const MONTHS = [Date.UTC(2025, 5), Date.UTC(2025, 6), Date.UTC(2025, 7), Date.UTC(2025, 8)];

/** The first and the last id of all, ids one after the other, and random ones. */
function makeRows(random: Random): LedgerRow[] {
  const row = (id: Uint32Array): LedgerRow => ({
    correlationId: idToText(id),
    amountCents: 1 + random.below(1_000),
    requestedAtMs: (MONTHS[random.below(MONTHS.length)] as number) + random.below(86_400_000),
    processor: 0,
  });
  const ends = [0, 0xffffffff].map((word) => row(Uint32Array.of(word, word, word, word)));
  const inOrder = Array.from({ length: 200 }, (_, n) => row(Uint32Array.of(7, 0, 0, n)));
  return [...ends, ...inOrder, ...Array.from({ length: 800 }, () => row(random.id()))];
}

const sorted = <T extends { readonly correlationId: string }>(all: readonly T[]): T[] =>
  all.toSorted((one, other) => (one.correlationId < other.correlationId ? -1 : 1));

test(`ids of detached, archived and young payments are read in pages, each once ${AGAIN}`, async (context) => {
  const random = new Random();
  const { url, reader } = await makeLedger(server, context);
  await reader.ensureInBackground();
  const writer = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => writer.close());
  const rows = makeRows(random);
  assert.equal(await writer.record(batchOf(rows)), rows.length);
  // The first id of all is in no page, as ever: the ledger is always asked about it.
  const [first, ...ids] = rows.map(({ correlationId }) => correlationId).toSorted();
  const known = async (): Promise<void> => {
    for (const most of [1, 10, PACKED_IDS, 500, 5_000])
      assert.deepEqual(await settledIds(reader, most), ids, `pages of ${most}`);
    const found = await reader.find([first as string, ...ids, idToText(random.id())]);
    assert.deepEqual(sorted(found), sorted(rows));
    assert.equal(await writer.record(batchOf(rows)), 0);
  };
  await known();
  await archiveBefore(url, '2025-09');
  await known();
  for (const name of ['2025-07', '2025-06', '2025-08']) {
    assert.equal(await detachMonth(url, name), undefined);
    await query(url, `DROP TABLE archived_payments_${name.replace('-', '_')}`);
    await known();
  }
});
