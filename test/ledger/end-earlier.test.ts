// A new connection ends the instance's earlier ones, also where the database gives its user another
// role.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq, type NativeConnection } from '../../src/ledger/libpq.ts';
import { Register } from '../../src/ledger/register.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('the writer and the register end their earlier connections as the user that logged in', async (context) => {
  const { url } = await makeLedger(server, context);
  // Whoever is "other" may not end what "app" began.
  await query(
    url,
    `CREATE ROLE app LOGIN; CREATE ROLE other; GRANT other TO app; ALTER ROLE app SET role = other;
     GRANT ALL ON ALL TABLES IN SCHEMA public TO other`,
  );
  const theirs = url.replace('repasse@', 'app@');
  const connections = (name: string) =>
    query(url, 'SELECT FROM pg_stat_activity WHERE application_name = $1', [name]);
  const connect = async (): Promise<NativeConnection> => {
    const connection = await connectLibpq(theirs, { name: 0 }, 5_000, systemClock);
    context.after(() => connection.close());
    return connection;
  };
  const earlier = await connect();
  const later = await connect();
  assert.deepEqual(later.findings.notEnded, []);
  await waitUntil('one is left', async () => (await connections('repasse-writer-0')).length === 1);
  await assert.rejects(earlier.record(batchOfRows(rowOf(1))), { kind: 'broken' });
  assert.equal(await later.record(batchOfRows(rowOf(1))), 1);

  const parts = { url: theirs, timeoutMs: 5_000, clock: systemClock, instance: 0, journal: 'a1' };
  const [first, second] = [new Register(parts), new Register(parts)];
  assert.equal(await first.lock(false), true);
  assert.equal(await second.lock(true), true);
  await waitUntil('the lock is lost', () => !first.isLocked);
  second.close();
});
