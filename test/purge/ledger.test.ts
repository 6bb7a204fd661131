// The ledger's part of a purge: one at a time, seen by all, and over when its connection is over.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { FIRST_ID } from '../../src/payment.ts';
import { DatabaseServer } from '../world/database.ts';
import { GapProxy } from '../world/gap-proxy.ts';
import { waitUntil } from '../world/wait-until.ts';
import { makeLedger, rowOf } from '../ledger/ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

const NOON = Date.UTC(2025, 6, 15, 12);
const ALL = { after: FIRST_ID, most: 10, instance: 0, instances: 1 };

async function begin(url: string): Promise<LedgerPurge> {
  const begun = await LedgerPurge.begin(url, 5_000);
  assert.ok(begun !== 'busy');
  return begun;
}

async function purge(url: string): Promise<void> {
  const begun = await begin(url);
  await begun.empty();
  await begun.end();
}

test('there is one purge at a time, and everyone sees whether it is over', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  assert.equal(await reader.isBeingPurged(), false);
  const first = await begin(url);
  assert.equal(await LedgerPurge.begin(url, 5_000), 'busy');
  assert.equal(await reader.isBeingPurged(), true);
  await first.empty();
  assert.equal(await reader.isBeingPurged(), true);
  await first.end();
  assert.equal(await reader.isBeingPurged(), false);
  await purge(url);
  // Another database of the same server is another ledger.
  const other = await makeLedger(server, context);
  const elsewhere = await begin(other.url);
  assert.equal(await reader.isBeingPurged(), false);
  await elsewhere.end();
});

test('a purge whose connection is cut is over once PostgreSQL knows, and empties nothing after that', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  await connection.record(batchOf([rowOf(1)]));
  connection.close();
  const proxy = await GapProxy.start(url);
  context.after(() => proxy.close());
  const cut = await begin(proxy.through(url));
  proxy.cut();
  await waitUntil('it is over', async () => !(await reader.isBeingPurged()));
  await assert.rejects(cut.empty());
  await cut.end();
  assert.equal((await reader.idsAfter(ALL)).ids.length, 4);
  await proxy.refuse();
  await assert.rejects(begin(proxy.through(url)));
});

test('a purge leaves no row, even while others read and record', async (context) => {
  const ledger = await makeLedger(server, context);
  const connection = await connectLibpq(ledger.url, { name: 0 }, 20_000, systemClock);
  context.after(() => connection.close());
  const purging = { isDone: false };
  const busy = [
    (async () => {
      for (let n = 0; !purging.isDone; n++) await connection.record(batchOf([rowOf(n, 1, NOON)]));
    })(),
    (async () => {
      while (!purging.isDone) await ledger.reader.totals({ fromMs: 0, toMs: NOON + 1 });
    })(),
  ];
  try {
    for (let n = 0; n < 50; n++) await purge(ledger.url);
  } finally {
    purging.isDone = true;
    await Promise.all(busy);
  }
  await purge(ledger.url);
  const none = { payments: '0', amountCents: '0' };
  assert.deepEqual(await ledger.reader.totals({ fromMs: 0, toMs: NOON + 60_000 }), [none, none]);
  assert.equal((await ledger.reader.idsAfter(ALL)).ids.length, 0);
  assert.doesNotMatch(await server.log(), /deadlock/);
});
