// The ledger's tables are made once, step by step. A start that finds them all only reads them, so
// it delays no writer.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test, type TestContext } from 'node:test';
import pg from 'pg';
import { FOLD_SUMS } from '../../src/ledger/fold-sums.ts';
import { makeInBackground, makeSchema, readSteps } from '../../src/ledger/schema.ts';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

const SCHEMA = new URL('../../../src/ledger/schema.sql', import.meta.url);
const schema = readFileSync(SCHEMA, 'utf8');
const GUIDE = new URL('../../../docs/OPERATIONS.md', import.meta.url);

/** What an instance from before there were steps left. */
const UNVERSIONED = readFileSync('test/ledger/schema-0.1.0.sql', 'utf8');

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

async function clientOf(url: string, context: TestContext): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, query_timeout: 20_000 });
  client.on('error', () => {});
  context.after(() => client.end().catch(() => {}));
  await client.connect();
  return client;
}

const numbers = (isInBackground: boolean): number[] =>
  readSteps(schema)
    .filter((step) => step.isInBackground === isInBackground)
    .map(({ number }) => number);

/** The lock that a VACUUM has, held until the test ends. */
async function vacuum(url: string, context: TestContext): Promise<() => Promise<unknown>> {
  const client = await clientOf(url, context);
  await client.query('BEGIN');
  await client.query('LOCK TABLE payments IN SHARE UPDATE EXCLUSIVE MODE');
  return () => client.query('COMMIT');
}

const shapeOf = (url: string): Promise<unknown[]> =>
  query(
    url,
    `SELECT indexdef AS shape FROM pg_indexes WHERE schemaname = 'public'
     UNION ALL SELECT table_name || column_name || data_type || is_nullable FROM information_schema.columns WHERE table_schema = 'public'
     UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     ORDER BY 1`,
  );

test('the steps are numbered from 1 on, in order', () => {
  const steps = readSteps(schema);
  assert.deepEqual(
    steps.map(({ number }) => number),
    steps.map((_, n) => n + 1),
  );
  for (const wrong of [
    '',
    '-- Step 2: b',
    '-- Step 1: a\n-- Step 1: b',
    '-- Step 1: a\n-- Step 3: c',
  ])
    assert.throws(() => readSteps(wrong), /in order/);
});

test('instances that start while a VACUUM runs hold up no writer', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const writer = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => writer.close());
  await vacuum(url, context);
  // Before a single statement waits for the lock, this one would.
  await reader.ensureSchema();
  const other = await clientOf(url, context);
  assert.deepEqual(await makeSchema(other, schema), []);
  for (let n = 0; n < 20; n++) await writer.record(batchOfRows(rowOf(n)));
  assert.equal((await checkSums(url)).payments, 20);
});

test('a start of a current ledger takes no lock that a writer waits for', async (context) => {
  const { url } = await makeLedger(server, context);
  const client = await clientOf(url, context);
  await client.query('BEGIN');
  assert.deepEqual(await makeSchema(client, schema), []);
  const { rows } = await client.query(
    `SELECT relation::regclass, mode FROM pg_locks
     WHERE pid = pg_backend_pid() AND relation IS NOT NULL AND mode <> 'AccessShareLock'`,
  );
  assert.deepEqual(rows, []);
});

test('a ledger from before there were steps is taken over while a VACUUM runs, and holds up no writer', async (context) => {
  const url = await server.createDatabase();
  await query(url, UNVERSIONED);
  await query(
    url,
    `INSERT INTO payments SELECT gen_random_uuid(), n % 2, n, to_timestamp(1752500000 + n * 1000)
     FROM generate_series(1, 500) AS n;
     INSERT INTO payments_per_second
     SELECT processor, date_trunc('second', requested_at), count(*), sum(amount_cents)
     FROM payments GROUP BY 1, 2`,
  );
  const endVacuum = await vacuum(url, context);
  const clients = await Promise.all([clientOf(url, context), clientOf(url, context)]);
  const done = await Promise.all(clients.map((client) => makeSchema(client, schema)));
  assert.deepEqual(done.flat(), numbers(false), 'each step is done by one of them');
  assert.deepEqual(await checkSums(url), { payments: 500, cents: 125_250 });
  const writer = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => writer.close());
  // The index waits for the VACUUM, and no writer for the index.
  const background = clients.map((client) => makeInBackground(client, schema));
  await waitUntil('an index waits', async () => {
    const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    return (await query(url, waits)).length > 0;
  });
  await writer.record(batchOfRows(rowOf(1)));
  assert.equal((await checkSums(url)).payments, 501);
  await endVacuum();
  const results = await Promise.all(background);
  assert.deepEqual(new Set(results), new Set(['busy', numbers(true)]));
  const { url: fresh, reader } = await makeLedger(server, context);
  await reader.ensureInBackground();
  assert.deepEqual(await shapeOf(url), await shapeOf(fresh), 'it is as one that was made anew');
});

test('an operator can go back to the version before sums that nest, and come again', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const writer = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => writer.close());
  await writer.record(batchOfRows(rowOf(1), rowOf(2), rowOf(3, 5, 1_752_500_070_000)));
  await query(url, FOLD_SUMS);
  await writer.record(batchOfRows(rowOf(4, 7, 1_752_500_001_000)));
  const steps = /### The step to sums[^]*?```sql\n([^]*?)```/.exec(readFileSync(GUIDE, 'utf8'));
  await query(url, steps?.[1] ?? '');
  const old = await query<{ payments: string }>(
    url,
    `INSERT INTO payments_per_second AS sums VALUES (0, to_timestamp(1752500000), 0, 0)
     ON CONFLICT (second, processor) DO UPDATE SET payments = sums.payments + excluded.payments
     RETURNING payments::text`,
  );
  assert.deepEqual(old, [{ payments: '2' }]);
  assert.deepEqual(await reader.ensureSchema(), [7]);
  assert.deepEqual(await checkSums(url), { payments: 4, cents: 3_992 });
});

test('steps that were appended are done once, together with their number or not at all', async (context) => {
  const { url } = await makeLedger(server, context);
  const first = readSteps(schema).length;
  const next = `${schema}
-- Step ${first + 1}: one more
CREATE TABLE one_more (n integer);
`;
  const failing = `${next}
-- Step ${first + 2}: a mistake
CREATE TABLE another (n integer);
SELECT 1 / 0;
`;
  const clients = await Promise.all([1, 2, 3].map(() => clientOf(url, context)));
  await assert.rejects(makeSchema(clients[0] as pg.Client, failing), /division by zero/);
  const done = await Promise.all(clients.map((client) => makeSchema(client, next)));
  assert.deepEqual(done.flat(), [first + 1]);
  assert.deepEqual(await query(url, `SELECT to_regclass('another') AS another`), [
    { another: null },
  ]);
  // An instance of the version before, beside them.
  assert.deepEqual(await makeSchema(clients[0] as pg.Client, schema), []);
});

test('a step that must wait for a lock steps back, and lets the writers pass', async (context) => {
  const { url } = await makeLedger(server, context);
  const step = readSteps(schema).length + 1;
  const next = `${schema}\n-- Step ${step}: an index\nCREATE INDEX by_amount ON payments (amount_cents);\n`;
  const writer = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => writer.close());
  await vacuum(url, context);
  const client = await clientOf(url, context);
  const waiting = assert.rejects(makeSchema(client, next), { code: '55P03' });
  await writer.record(batchOfRows(rowOf(1)));
  await waiting;
  assert.equal((await checkSums(url)).payments, 1);
});
