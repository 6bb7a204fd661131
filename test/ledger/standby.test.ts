// Commits that have to wait for a standby: without one nothing counts as recorded, also what an
// ended connection left behind.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq, LedgerFailure, type NativeConnection } from '../../src/ledger/libpq.ts';
import type { LedgerRow } from '../../src/payment.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

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
  await query(url, `ALTER SYSTEM SET synchronous_standby_names = '*'`);
  await query(url, 'SELECT pg_reload_conf()');
  let n = 0;
  await waitUntil('a commit waits', async () => !(await isRecorded(rowOf(++n))));
  for (let tries = 0; tries < 2; tries++) {
    assert.equal(await isRecorded(rowOf(n)), false);
    assert.equal((await checkSums(url)).payments, n, 'and yet it can be read');
  }
  const { risks } = (await connect()).findings;
  assert.equal(risks.filter((risk) => risk.startsWith('synchronous_standby_names')).length, 1);
  await query(url, 'ALTER SYSTEM RESET synchronous_standby_names');
  await query(url, 'SELECT pg_reload_conf()');
  await waitUntil('it is recorded', () => isRecorded(rowOf(n)));
  assert.deepEqual(await checkSums(url), { payments: n, cents: 1990 * n });
});
