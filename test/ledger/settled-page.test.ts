// Settled ids in pages: each instance gets its own, and no other ones.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import type { LedgerReader } from '../../src/ledger/reader.ts';
import { FIRST_ID, idFromText, idToText, ownerOf, type IdWords } from '../../src/payment.ts';
import { DatabaseServer } from '../world/database.ts';
import { makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

/** The ids that an instance gets, in pages of 10. */
async function idsOf(reader: LedgerReader, instance: number, instances: number): Promise<string[]> {
  const read: string[] = [];
  for (let last: string | undefined = FIRST_ID; last !== undefined;) {
    const page = await reader.idsAfter({ after: last, most: 10, instance, instances });
    for (let at = 0; at < page.ids.length; at += 4) read.push(idToText(page.ids, at));
    last = page.last;
  }
  return read;
}

test('all ids are read in pages, each once, in order and by its owner', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  assert.deepEqual(await idsOf(reader, 0, 1), []);
  const rows = Array.from({ length: 30 }, (_, n) => rowOf((n + 1) * 7919));
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  await connection.record(batchOf(rows));
  connection.close();
  const ids = rows.map((row) => row.correlationId);
  const givenUp = rowOf(5).correlationId;
  await reader.giveUp({ correlationId: givenUp, amountCents: 1, mayBeCharged: false });
  assert.deepEqual(await idsOf(reader, 0, 1), [...ids, givenUp].toSorted());
  for (const instances of [2, 3, 16]) {
    const owner = (id: string): number => ownerOf(idFromText(id) as IdWords, instances);
    for (let instance = 0; instance < instances; instance++) {
      const own = [...ids, givenUp].filter((id) => owner(id) === instance).toSorted();
      assert.deepEqual(await idsOf(reader, instance, instances), own);
    }
  }
});
