// A shard's commits are kept whatever becomes of the server's configuration, and only by a session
// of the server itself.

import assert from 'node:assert/strict';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { clientsOf } from '../../src/cluster/database-client.ts';
import { ShardSession } from '../../src/cluster/shard-session.ts';
import { makeLedger } from '../ledger/ledger-fixture.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';

const server = await DatabaseServer.start();
after(() => server.close());

/** The level that a write commits under, as a trigger writes it down. */
async function seenAtWrite(url: string, session: ShardSession): Promise<string> {
  await session.write([0], Buffer.alloc(64));
  const [row] = await query<{ value: string }>(url, 'DELETE FROM seen RETURNING value');
  return row?.value ?? '';
}

test('a weaker synchronous_commit that comes while the session lives changes nothing', async (context) => {
  const { url } = await makeLedger(server, context);
  await query(
    url,
    `CREATE TABLE seen (value text);
     CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN INSERT INTO seen SELECT current_setting('synchronous_commit'); RETURN NULL; END $$;
     CREATE TRIGGER see AFTER INSERT ON journal_cells FOR EACH STATEMENT EXECUTE FUNCTION see()`,
  );
  const parts = { newClient: clientsOf(url, 5_000), clock: systemClock, shard: 0 };
  const session = new ShardSession(parts);
  context.after(() => session.close());
  await session.open();
  assert.equal(await seenAtWrite(url, session), 'on');
  await query(url, 'ALTER SYSTEM SET synchronous_commit = local');
  await query(url, 'SELECT pg_reload_conf()');
  await waitUntil('the server knows', async () => {
    const [row] = await query<{ level: string }>(
      url,
      `SELECT current_setting('synchronous_commit') AS level`,
    );
    return row?.level === 'local';
  });
  // A session reads the configuration before its next statement.
  await session.isLatest({ shard: 0, epoch: 0, owner: '' });
  assert.equal(await seenAtWrite(url, session), 'on');
});

test('a pooler in between is refused: it may give each statement another session', async (context) => {
  const { url } = await makeLedger(server, context);
  const pooler = createServer((client) => {
    const target = createConnection({ host: '127.0.0.1', port: server.port });
    client.pipe(target);
    target.once('data', (bytes) => {
      // BackendKeyData: a pooler sends one of its own.
      const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) bytes.writeUInt32BE(1, at + 5);
      client.write(bytes);
      target.pipe(client);
    });
    for (const end of [client, target]) end.on('error', () => {});
    client.on('close', () => target.destroy());
  });
  pooler.listen(0, '127.0.0.1');
  context.after(() => pooler.close());
  await waitUntil('it listens', () => pooler.listening);
  const { port } = pooler.address() as AddressInfo;
  const through = server.url(new URL(url).pathname.slice(1), port);
  const parts = { newClient: clientsOf(through, 5_000), clock: systemClock, shard: 0 };
  const session = new ShardSession(parts);
  context.after(() => session.close());
  await assert.rejects(session.open(), /a connection pooler is in between/);
});
