// A commit has to wait for a standby: without one nothing counts as recorded, nor does what an
// ended connection left behind.

import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq, LedgerFailure, type NativeConnection } from '../../src/ledger/libpq.ts';
import { LedgerReader } from '../../src/ledger/reader.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { checkSlowCommits } from '../../src/ledger/slow-commits.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

async function withStandby(url: string): Promise<void> {
  await query(url, 'ALTER SYSTEM RESET synchronous_standby_names');
  await query(url, 'SELECT pg_reload_conf()');
}

/** Until the test's end commits wait for a standby, and there is none. Resolves when one waits. */
async function withoutStandby(url: string, context: TestContext): Promise<void> {
  context.after(() => withStandby(url));
  await query(url, `ALTER SYSTEM SET synchronous_standby_names = '*'`);
  await query(url, 'SELECT pg_reload_conf()');
  const commit = `SELECT pg_logical_emit_message(true, '', '')`;
  await waitUntil('a commit waits', async () => {
    let isOver = false;
    const committed = query(url, commit).finally(() => {
      isOver = true;
    });
    const hasWaited = await waitUntil('it waits, or is over', async () => {
      const cancelled = await query(
        url,
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
         WHERE wait_event = 'SyncRep' AND query = $1`,
        [commit],
      );
      return cancelled.length > 0 ? 'waits' : isOver && 'is over';
    });
    await committed;
    return hasWaited === 'waits';
  });
}

test('a batch whose wait for the standby is cancelled is not recorded', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const find = (ids: readonly string[]): Promise<unknown> => reader.find(ids);
  const native = await connectLibpq(url, { name: 7 }, 5_000, systemClock);
  const connection = checkSlowCommits(native, { clock: systemClock, find });
  context.after(() => connection.close());
  await withoutStandby(url, context);
  const waiting = (name: string): Promise<unknown> =>
    query(
      url,
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
       WHERE wait_event = 'SyncRep' AND starts_with(application_name, '${name}')
         AND query_start < clock_timestamp() - interval '200 ms'`,
    );
  const recorded = connection.record(batchOfRows(rowOf(1))).then(
    () => 'recorded',
    (error: unknown) => error,
  );
  for (const name of ['repasse-writer-7', 'repasse-reader']) {
    await waitUntil(`the wait of ${name} is cancelled`, async () => {
      const rows = (await waiting(name)) as unknown[];
      return rows.length > 0;
    });
  }
  const told = await recorded;
  assert.ok(told instanceof LedgerFailure && told.kind === 'broken', String(told));
  assert.match(told.message, /canceling wait for synchronous replication/);
});

test('without the standby a repetition proves no more than the first try; with it both do', async (context) => {
  const { url } = await makeLedger(server, context);
  const connect = async (): Promise<NativeConnection> => {
    const connection = await connectLibpq(url, { name: 0 }, 1_000, systemClock);
    context.after(() => connection.close());
    return connection;
  };
  const isRecorded = async (row: LedgerRow): Promise<boolean> => {
    const connection = await connect();
    try {
      await connection.record(batchOfRows(row));
      return true;
    } catch (error) {
      assert.ok(error instanceof LedgerFailure && error.kind === 'broken', String(error));
      return false;
    } finally {
      connection.close();
    }
  };
  await withoutStandby(url, context);
  let n = 0;
  await waitUntil('a commit waits', async () => !(await isRecorded(rowOf(++n))));
  for (let tries = 0; tries < 2; tries++) {
    assert.equal(await isRecorded(rowOf(n)), false);
    assert.equal((await checkSums(url)).payments, n, 'and yet it can be read');
  }
  const { risks } = (await connect()).findings;
  assert.equal(risks.filter((risk) => risk.startsWith('synchronous_standby_names')).length, 1);
  // A start that finds the row would free the payment's slot, and a failover may still lose it.
  const reader = new LedgerReader(url, 1_000, () => {});
  context.after(() => reader.close());
  const { correlationId } = rowOf(n);
  const isFound = (): Promise<boolean> =>
    reader.find([correlationId]).then(
      (found) => found.length === 1,
      () => false,
    );
  assert.equal(await isFound(), false);
  assert.deepEqual(await reader.find([rowOf(n + 1).correlationId]), [], 'nothing is to be safe');
  await withStandby(url);
  await waitUntil('it is recorded', () => isRecorded(rowOf(n)));
  await waitUntil('it is found', isFound);
  assert.deepEqual(await checkSums(url), { payments: n, cents: 1990 * n });
});
