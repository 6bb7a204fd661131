// Two ledgers in one database, in two schemas: their locks are not the same. A process of an
// earlier version has other locks, and both versions keep each other out all the same.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../src/clock.ts';
import { clientsOf } from '../../src/cluster/database-client.ts';
import { ShardSession } from '../../src/cluster/shard-session.ts';
import { Register } from '../../src/ledger/register.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { LedgerRepair } from '../../src/ledger/repair.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, shardsOf } from './shards.ts';

const { world, book, spare } = await openCluster(1, { front: false });
const { databaseUrl } = world;
const owner = world.instance(0);
const elsewhere = `${databaseUrl}?options=-c%20search_path%3Dbooks`;
const TIMEOUT_MS = 5_000;

function shardSession(context: TestContext, shard: number, url = databaseUrl): ShardSession {
  const newClient = clientsOf(url, TIMEOUT_MS);
  const session = new ShardSession({ newClient, clock: systemClock, shard });
  context.after(() => session.close());
  return session;
}

function register(context: TestContext, instance: number, url = databaseUrl): Register {
  const parts = { url, timeoutMs: TIMEOUT_MS, clock: systemClock, instance, journal: '0.5' };
  const made = new Register(parts);
  context.after(() => made.close());
  return made;
}

async function connect(context: TestContext): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  context.after(() => client.end().catch(() => {}));
  return client;
}

test('a cluster in another schema of the database takes nothing from this one', async () => {
  await query(databaseUrl, 'CREATE SCHEMA books');
  spare.start({ DATABASE_URL: elsewhere, SHARDS: '1' });
  await spare.waitReady();
  await spare.becomes('agreed');
  assert.equal(spare.said('shard taken'), 1);
  const id = '00000000-0000-4000-8000-000000000001';
  assert.equal((await owner.client.pay(id, '1.00')).status, 202);
  book.accepted.push({ id, cents: 100 });
  assert.equal(owner.said('journal unavailable'), 0);
  const found = await Promise.all(
    [databaseUrl, elsewhere].map((url) => shardsOf({ databaseUrl: url })),
  );
  assert.deepEqual(
    found.map(([row]) => row?.epoch),
    [1, 1],
  );
});

test('a purge and a repair of one ledger leave the other one alone', async (context) => {
  const purge = await LedgerPurge.begin(elsewhere, TIMEOUT_MS);
  assert.ok(purge !== 'busy');
  context.after(() => purge.end());
  const other = await LedgerPurge.begin(databaseUrl, TIMEOUT_MS);
  assert.ok(other !== 'busy');
  assert.equal(await LedgerPurge.begin(databaseUrl, TIMEOUT_MS), 'busy');
  await other.end();
  const note = { actor: 'a test', reason: 'a test' };
  const repairs = await Promise.all(
    [databaseUrl, elsewhere].map((url) => LedgerRepair.open(url, '', note)),
  );
  await assert.rejects(LedgerRepair.open(databaseUrl, '', note), /another repair/);
  await Promise.all(repairs.map((repair) => repair.close()));
});

test('what this version has locked, an earlier one does not get', async (context) => {
  const old = await connect(context);
  const shard = shardSession(context, 7);
  await shard.open();
  assert.equal(await shard.lock(), true);
  assert.equal(await register(context, 7).lock(false), true);
  for (const number of [7_200_328, 7_200_329]) {
    const { rows } = await old.query('SELECT pg_try_advisory_lock($1, 7) AS got', [number]);
    assert.deepEqual(rows, [{ got: false }]);
  }
});

test('what an earlier version has locked, this version gets by ending its session, or not', async (context) => {
  const old = await connect(context);
  await old.query('SELECT pg_advisory_lock(7200328, 8), pg_advisory_lock(7200329, 8)');
  assert.equal(await register(context, 8).lock(false), false);
  // An owner's session is ended unless it has just begun.
  await waitUntil('it has not just begun', async () => {
    const { rows } = await old.query(
      `SELECT FROM pg_stat_activity
       WHERE pid = pg_backend_pid() AND backend_start < clock_timestamp() - interval '2.1 seconds'`,
    );
    return rows.length === 1;
  });
  const shard = shardSession(context, 8);
  await shard.open();
  assert.equal(await shard.lock(), true);
  await assert.rejects(old.query('SELECT 1'));
});

test('the books are right', async () => {
  await audit(world, book.accepted);
});
