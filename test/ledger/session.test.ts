// Settings of a role or a database may lose rows: the session overrides what it can override, and
// finds what it can't.

import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import pg from 'pg';
import { contradictionOf } from '../../src/ledger/anomaly.ts';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq, type NativeConnection } from '../../src/ledger/libpq.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { LedgerReader } from '../../src/ledger/reader.ts';
import { connectRegister } from '../../src/ledger/register-change.ts';
import { Register } from '../../src/ledger/register.ts';
import { anomaliesIn } from '../world/anomalies.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

async function connect(url: string, context: TestContext): Promise<NativeConnection> {
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  context.after(() => connection.close());
  return connection;
}

/** Changes it for each new session. */
async function set(url: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const database = new URL(url).pathname.slice(1);
  const texts = Object.entries(settings).map(
    ([name, value]) => `ALTER DATABASE ${database} SET ${name} = '${value}'`,
  );
  await query(url, texts.join(';'));
}

/** What a statement of the writer runs under. */
const inRecording = async (url: string, setting: string): Promise<string> => {
  await query(
    url,
    `CREATE TABLE IF NOT EXISTS seen (value text);
     CREATE OR REPLACE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN INSERT INTO seen SELECT current_setting('${setting}'); RETURN NULL; END $$;
     CREATE OR REPLACE TRIGGER see AFTER INSERT ON payments FOR EACH STATEMENT EXECUTE FUNCTION see()`,
  );
  const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
  await connection.record(batchOfRows(rowOf(1)));
  connection.close();
  const [row] = await query<{ value: string }>(url, 'DELETE FROM seen RETURNING value');
  return row?.value ?? '';
};

/** Resolves when the database has ended a session that was idle from now on. */
async function idleForTooLong(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  const ended = new Promise((resolve) => {
    client.once('end', resolve);
  });
  await client.connect();
  await ended;
}

for (const level of ['off', 'local', 'remote_write'] as const) {
  test(`commits are kept although the database has synchronous_commit=${level}`, async (context) => {
    const { url } = await makeLedger(server, context);
    await set(url, { synchronous_commit: level });
    const { findings } = await connect(url, context);
    assert.deepEqual(findings.overridden, [`synchronous_commit was ${level}`]);
    assert.deepEqual(findings.blockers, []);
    assert.equal(await inRecording(url, 'synchronous_commit'), 'on');
  });
}

test('a stronger synchronous_commit than ours stays', async (context) => {
  const { url } = await makeLedger(server, context);
  await set(url, { synchronous_commit: 'remote_apply' });
  assert.deepEqual((await connect(url, context)).findings.overridden, []);
  assert.equal(await inRecording(url, 'synchronous_commit'), 'remote_apply');
});

test('a purge is kept too although the database has synchronous_commit=off', async (context) => {
  const { url } = await makeLedger(server, context);
  await (await connect(url, context)).record(batchOfRows(rowOf(1)));
  await set(url, { synchronous_commit: 'off' });
  const purge = await LedgerPurge.begin(url, 5_000);
  assert.ok(purge instanceof LedgerPurge);
  await purge.empty();
  // Nothing in between that would write it down by the way.
  await server.kill();
  await purge.end();
  await server.restart();
  assert.equal((await checkSums(url)).payments, 0);
});

test('anomalies are kept too although the database has synchronous_commit=off', async (context) => {
  const { url } = await makeLedger(server, context);
  await set(url, { synchronous_commit: 'off' });
  const reader = new LedgerReader(url, 5_000, () => {});
  await reader.recordAnomalies(0, [contradictionOf(rowOf(1), rowOf(1, 777))]);
  await server.kill();
  await reader.close();
  await server.restart();
  assert.equal((await anomaliesIn(url)).length, 1);
});

test('what is written to the register is kept too, by an instance and by an operator', async (context) => {
  const { url } = await makeLedger(server, context);
  await set(url, { synchronous_commit: 'off' });
  const parts = { url, timeoutMs: 5_000, clock: systemClock, instance: 0, journal: 'a1' };
  const register = new Register(parts);
  await register.initialize(2);
  // Nothing in between that would write it down by the way.
  await server.kill();
  register.close();
  await server.restart();
  assert.equal((await query(url, 'SELECT FROM ledger')).length, 1);
  const operator = await connectRegister(url, 5_000);
  await operator.query('UPDATE ledger SET instances = 3');
  await server.kill();
  await server.restart();
  assert.deepEqual(await query(url, 'SELECT instances FROM ledger'), [{ instances: 3 }]);
});

test('settings of the database that would refuse, round, hide or end are overridden', async (context) => {
  const { url } = await makeLedger(server, context);
  await set(url, {
    default_transaction_read_only: 'on',
    default_transaction_isolation: 'serializable',
    lock_timeout: '1ms',
    statement_timeout: '1ms',
    idle_session_timeout: '200ms',
    transaction_timeout: '200ms',
    extra_float_digits: '-15',
    exit_on_error: 'on',
  });
  const connection = await connect(url, context);
  assert.deepEqual(connection.findings.blockers, []);
  const row = rowOf(1, 1990, 1_752_512_345_678);
  await connection.record(batchOfRows(row));
  await assert.rejects(connection.record(batchOfRows(rowOf(2, 0))), { kind: 'refused' });
  await idleForTooLong(url);
  await connection.record(batchOfRows(rowOf(3)));
  const reader = new LedgerReader(url, 5_000, () => {});
  context.after(() => reader.close());
  assert.deepEqual(await reader.find([row.correlationId]), [row]);
});

test('rows that a policy hides are an error, for reading and for writing', async (context) => {
  const { url } = await makeLedger(server, context);
  await (await connect(url, context)).record(batchOfRows(rowOf(1)));
  await query(
    url,
    `CREATE ROLE clerk LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk;
     ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
     CREATE POLICY few ON payments USING (amount_cents > 5000)`,
  );
  const clerk = url.replace('repasse@', 'clerk@');
  const reader = new LedgerReader(clerk, 5_000, () => {});
  context.after(() => reader.close());
  await assert.rejects(reader.find([rowOf(1).correlationId]), { code: '42501' });
  await assert.rejects(connect(clerk, context), { kind: 'refused', sqlState: '42501' });
});

test('what loses rows and can not be set is found', async (context) => {
  const { url } = await makeLedger(server, context);
  // The tests' server has its fsync off.
  assert.deepEqual((await connect(url, context)).findings.risks, ['fsync is off']);
  const sums = ['batch_sums', 'payment_sums'];
  const tables = ['payments', ...sums, 'anomalies', 'ledger', 'instances'];
  for (const table of tables) await query(url, `ALTER TABLE ${table} SET UNLOGGED`);
  const { risks, blockers } = (await connect(url, context)).findings;
  assert.deepEqual(risks, ['fsync is off']);
  const found = blockers.map((text) => /table (.*) is UNLOGGED/.exec(text)?.[1]);
  assert.deepEqual(new Set(found), new Set(tables));
});

const ACTORS: Readonly<Record<string, string>> = {
  'before each row': 'CREATE TRIGGER actor BEFORE INSERT ON # FOR EACH ROW EXECUTE FUNCTION act()',
  'after each row': 'CREATE TRIGGER actor AFTER INSERT ON # FOR EACH ROW EXECUTE FUNCTION act()',
  'before a statement': 'CREATE TRIGGER actor BEFORE INSERT ON # EXECUTE FUNCTION act()',
  'after an update': 'CREATE TRIGGER actor AFTER UPDATE ON # EXECUTE FUNCTION act()',
  'as a constraint':
    'CREATE CONSTRAINT TRIGGER actor AFTER INSERT ON # DEFERRABLE FOR EACH ROW EXECUTE FUNCTION act()',
  'as a rule': 'CREATE RULE actor AS ON INSERT TO # DO ALSO SELECT 1',
};
for (const [when, text] of Object.entries(ACTORS)) {
  test(`what acts on a recorded row ${when} is found, unless it is disabled`, async (context) => {
    const { url } = await makeLedger(server, context);
    const act = `CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`;
    await query(url, act);
    const kind = when === 'as a rule' ? 'rule' : 'trigger';
    for (const table of ['payments', 'batch_sums', 'payment_sums']) {
      await query(url, text.replace('#', table));
      const { blockers } = (await connect(url, context)).findings;
      assert.deepEqual(blockers, [`${kind} actor may change or drop rows of ${table}`]);
      await query(url, `ALTER TABLE ${table} DISABLE ${kind} actor`);
      assert.deepEqual((await connect(url, context)).findings.blockers, []);
    }
  });
}

test('full_page_writes=off is found when a connection is made after it was set', async (context) => {
  const { url } = await makeLedger(server, context);
  const reload = async (text: string): Promise<void> => {
    await query(url, text);
    await query(url, 'SELECT pg_reload_conf()');
  };
  context.after(() => reload('ALTER SYSTEM RESET full_page_writes'));
  await reload('ALTER SYSTEM SET full_page_writes = off');
  await waitUntil('it is found', async () => {
    const connection = await connectLibpq(url, { name: 0 }, 5_000, systemClock);
    connection.close();
    return connection.findings.risks.includes('full_page_writes is off');
  });
});
