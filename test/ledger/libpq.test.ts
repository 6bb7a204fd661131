// The native connection under faults of networks and servers: every statement ends, the process
// stays, and the next connection works.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, test, type TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq, LedgerFailure, type LedgerConnection } from '../../src/ledger/libpq.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { GapProxy } from '../world/gap-proxy.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

const TIMEOUT_MS = 1_000;

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

async function connect(
  url: string,
  context: TestContext,
  timeoutMs = TIMEOUT_MS,
): Promise<LedgerConnection> {
  const connection = await connectLibpq(url, { name: 0 }, timeoutMs, systemClock);
  context.after(() => connection.close());
  return connection;
}

/** A transaction that keeps batches with this row waiting until it is ended. */
async function blocked(url: string, n: number): Promise<{ end(): Promise<void> }> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query('BEGIN');
  const values = [rowOf(n).correlationId];
  await client.query('INSERT INTO payments VALUES ($1, 0, 1, now())', values);
  return {
    end: async () => {
      await client.query('ROLLBACK').catch(() => {});
      await client.end().catch(() => {});
    },
  };
}

const WRITERS = `FROM pg_stat_activity WHERE application_name = 'repasse-writer-0' AND datname = current_database()`;
const TERMINATE = `SELECT pg_terminate_backend(pid) ${WRITERS}`;

const isWaiting = async (url: string): Promise<boolean> =>
  (await query(url, `SELECT 1 ${WRITERS} AND wait_event_type = 'Lock'`)).length > 0;

async function fails(
  statement: Promise<number>,
  kind: 'refused' | 'broken',
  sqlState?: string,
): Promise<void> {
  await assert.rejects(statement, (error) => {
    assert.ok(error instanceof LedgerFailure, String(error));
    assert.equal(error.kind, kind, error.message);
    assert.notEqual(error.message, '');
    if (sqlState !== undefined) assert.equal(error.sqlState, sqlState);
    return true;
  });
}

/** The connection is gone for good, and another one works. */
async function isReplaced(
  connection: LedgerConnection,
  url: string,
  context: TestContext,
): Promise<void> {
  await fails(connection.record(batchOfRows(rowOf(90))), 'broken');
  const next = await connect(url, context);
  await next.record(batchOfRows(rowOf(91)));
  await checkSums(url);
}

test('a backend that is terminated in the middle of a statement breaks the connection', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context, 20_000);
  const block = await blocked(url, 1);
  const statement = connection.record(batchOfRows(rowOf(1)));
  const ended = fails(statement, 'broken');
  await waitUntil('the statement waits', () => isWaiting(url));
  await query(url, TERMINATE);
  await ended;
  await block.end();
  await isReplaced(connection, url, context);
});

test('a backend that is terminated between statements breaks the next one', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context);
  // The refusal leaves a result behind that must not be taken for the next statement's.
  await fails(connection.record(batchOfRows(rowOf(1, 0))), 'refused', '23514');
  await query(url, TERMINATE);
  await fails(connection.record(batchOfRows(rowOf(2))), 'broken');
  await isReplaced(connection, url, context);
});

test('a server that is killed in the middle of a statement breaks the connection, and is used again when it is back', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context, 20_000);
  const block = await blocked(url, 1);
  const ended = fails(connection.record(batchOfRows(rowOf(1))), 'broken');
  await waitUntil('the statement waits', () => isWaiting(url));
  await server.kill();
  await ended;
  await assert.rejects(connectLibpq(url, { name: 0 }, TIMEOUT_MS, systemClock), LedgerFailure);
  await server.restart();
  await block.end();
  await isReplaced(connection, url, context);
});

for (const fault of ['reset', 'cut', 'blackHole'] as const) {
  test(`a connection that meets a ${fault} in the middle of a statement is broken, and the statement can be repeated`, async (context) => {
    const { url } = await makeLedger(server, context);
    const proxy = await GapProxy.start(url);
    context.after(() => proxy.close());
    const connection = await connect(proxy.through(url), context);
    const block = await blocked(url, 1);
    const ended = fails(connection.record(batchOfRows(rowOf(1))), 'broken');
    await waitUntil('the statement waits', () => isWaiting(url));
    proxy[fault]();
    await ended;
    proxy.release();
    await block.end();
    const next = await connect(proxy.through(url), context);
    await next.record(batchOfRows(rowOf(1)));
    assert.deepEqual(await checkSums(url), { payments: 1, cents: 1990 });
    await isReplaced(connection, url, context);
  });
}

test('a statement whose answer is lost was recorded, and its repetition changes nothing', async (context) => {
  const { url } = await makeLedger(server, context);
  const proxy = await GapProxy.start(url);
  context.after(() => proxy.close());
  const connection = await connect(proxy.through(url), context);
  proxy.blackHole('answers');
  await fails(connection.record(batchOfRows(rowOf(1))), 'broken');
  await waitUntil('it is recorded', async () => (await checkSums(url)).payments === 1);
  proxy.release();
  const next = await connect(proxy.through(url), context);
  await next.record(batchOfRows(rowOf(1)));
  assert.deepEqual(await checkSums(url), { payments: 1, cents: 1990 });
});

test('a server that takes the connection and says nothing is given up on', async (context) => {
  const { url } = await makeLedger(server, context);
  const proxy = await GapProxy.start(url);
  context.after(() => proxy.close());
  proxy.blackHole();
  await assert.rejects(
    connectLibpq(proxy.through(url), { name: 0 }, TIMEOUT_MS, systemClock),
    LedgerFailure,
  );
  proxy.release();
  await (await connect(proxy.through(url), context)).record(batchOfRows(rowOf(1)));
});

test('a backend that stood still does not record afterwards what was given up', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context);
  const [backend] = await query<{ pid: number }>(url, `SELECT pid ${WRITERS}`);
  assert.ok(backend);
  process.kill(backend.pid, 'SIGSTOP');
  try {
    await fails(connection.record(batchOfRows(rowOf(1))), 'broken');
    const next = await connect(url, context);
    await next.record(batchOfRows(rowOf(1)));
    await query(url, 'TRUNCATE payments, batch_sums, payment_sums');
  } finally {
    process.kill(backend.pid, 'SIGCONT');
  }
  await waitUntil('it is gone', async () => {
    return (await query(url, `SELECT 1 ${WRITERS} AND pid = ${backend.pid}`)).length === 0;
  });
  assert.deepEqual(await checkSums(url), { payments: 0, cents: 0 });
});

test('a statement that takes too long ends on both sides', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context, 300);
  const block = await blocked(url, 1);
  await assert.rejects(connection.record(batchOfRows(rowOf(1))), LedgerFailure);
  await waitUntil('the server gave it up', async () => !(await isWaiting(url)));
  await block.end();
  assert.deepEqual(await checkSums(url), { payments: 0, cents: 0 });
});

test('two statements at once are a mistake, and the first one is not lost by it', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context);
  const first = connection.record(batchOfRows(rowOf(1)));
  assert.throws(() => connection.record(batchOfRows(rowOf(2))), /two statements at once/);
  await first;
  assert.deepEqual(await checkSums(url), { payments: 1, cents: 1990 });
});

test('a connection is closed twice without harm, and takes nothing afterwards', async (context) => {
  const { url } = await makeLedger(server, context);
  const connection = await connect(url, context);
  connection.close();
  connection.close();
  await isReplaced(connection, url, context);
});

test('without a server, or without the tables, no connection is left behind', async (context) => {
  const { url } = await makeLedger(server, context);
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  const nowhere = server.url('test_1', port);
  for (const target of [nowhere, server.url('missing'), 'postgres://nobody@127.0.0.1:1/x']) {
    await assert.rejects(connectLibpq(target, { name: 0 }, TIMEOUT_MS, systemClock), LedgerFailure);
  }
  await query(url, 'DROP TABLE batch_sums CASCADE');
  for (let n = 0; n < 5; n++) {
    await assert.rejects(connectLibpq(url, { name: 0 }, TIMEOUT_MS, systemClock), LedgerFailure);
  }
  await waitUntil('their connections are gone', async () => {
    return (await query(url, `SELECT 1 ${WRITERS}`)).length === 0;
  });
});

test('options in the address reach the server beside ours', async (context) => {
  const { url } = await makeLedger(server, context);
  await query(
    url,
    'CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.payments (LIKE public.payments INCLUDING ALL)',
  );
  const options = encodeURIComponent('-c search_path=elsewhere,public');
  const connection = await connect(`${url}?options=${options}`, context);
  await connection.record(batchOfRows(rowOf(1)));
  assert.equal((await query(url, 'SELECT 1 FROM elsewhere.payments')).length, 1);
});
