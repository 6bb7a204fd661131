// Until both drivers reach the same tables and recording was tried, nothing is read and so nothing
// is charged. What is wrong is logged once, with the setting and the cause, and work begins by
// itself when it is over.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test, type TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { Ledger, type LedgerParts } from '../../src/ledger/ledger.ts';
import { LedgerFailure } from '../../src/ledger/libpq.ts';
import { FIRST_ID } from '../../src/payment.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { batchOfRows, checkSums, makeLedger, rowOf } from './ledger-fixture.ts';

let server: DatabaseServer;
const ledgers: Ledger[] = [];
before(async () => {
  server = await DatabaseServer.start();
});
after(async () => {
  await Promise.all(ledgers.map((ledger) => ledger.close().catch(() => {})));
  await server.close();
});

interface Said {
  readonly level: string;
  readonly event: string;
  readonly details: Readonly<Record<string, unknown>>;
}

interface Started {
  readonly ledger: Ledger;
  readonly said: Said[];
  readonly ready: Promise<void>;
}

function start(url: string, parts: Partial<LedgerParts> = {}): Started {
  const said: Said[] = [];
  const at =
    (level: string) =>
    (event: string, details = {}): void => {
      said.push({ level, event, details });
    };
  const ledger = new Ledger({
    url,
    instance: 0,
    writer: () => ({ name: 0 }),
    timeoutMs: 2_000,
    durability: 'warn',
    clock: systemClock,
    log: { info: at('info'), warn: at('warn'), error: at('error') },
    ...parts,
  });
  ledgers.push(ledger);
  return { ledger, said, ready: ledger.start(() => {}) };
}

const wanted = { after: FIRST_ID, most: 1, instance: 0, instances: 1 };

const troubles = ({ said }: Started): readonly Said[] =>
  said.filter(({ event }) => event.startsWith('ledger un'));

/** It says why not, holds everything, and is ready once `mend` is done. */
async function isHeldUntil(
  started: Started,
  expected: { level: string; setting: string; cause: RegExp },
  mend: () => Promise<unknown>,
): Promise<void> {
  await waitUntil('it says why not', () => troubles(started).length > 0);
  const [first] = troubles(started) as [Said];
  assert.equal(first.level, expected.level);
  assert.equal(first.details['setting'], expected.setting);
  assert.match(String(first.details['cause']), expected.cause);
  await assert.rejects(started.ledger.find([]), /not ready/);
  await assert.rejects(started.ledger.idsAfter(wanted), /not ready/);
  await assert.rejects(started.ledger.totals({ fromMs: 0, toMs: 1 }), /not ready/);
  await mend();
  await started.ready;
  assert.equal(started.said.filter(({ event }) => event === 'ledger ready').length, 1);
  const connection = await started.ledger.connect();
  await connection.record(batchOfRows(rowOf(7)));
  assert.equal((await started.ledger.find([rowOf(7).correlationId])).length, 1);
  connection.close();
}

const wrong = (cause: RegExp) => ({ level: 'error', setting: 'DATABASE_URL', cause });

async function emptyLedger(context: TestContext): Promise<string> {
  return (await makeLedger(server, context)).url;
}

test('a database that is not there yet is waited for, and its tables are made', async () => {
  const url = server.url('later');
  const expected = wrong(/does not exist.*"later"/);
  await isHeldUntil(start(url), expected, () =>
    query(server.url('postgres'), 'CREATE DATABASE later'),
  );
  assert.equal((await checkSums(url)).payments, 1);
});

test('a server that is not there yet is waited for, which is no error', async (context) => {
  const url = await emptyLedger(context);
  await server.kill();
  const expected = { level: 'warn', setting: 'DATABASE_URL', cause: /127\.0\.0\.1/ };
  await isHeldUntil(start(url), expected, () => server.restart());
});

test('a user who may not make the tables, or not record, is told which right is missing', async (context) => {
  const url = await server.createDatabase();
  await query(url, 'CREATE ROLE newcomer LOGIN');
  const theirs = url.replace('repasse@', 'newcomer@');
  const expected = wrong(/lacks a right/);
  await isHeldUntil(start(theirs), expected, () =>
    query(url, 'GRANT CREATE ON SCHEMA public TO newcomer'),
  );

  const other = await emptyLedger(context);
  await query(other, 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO newcomer');
  const reading = start(other.replace('repasse@', 'newcomer@'));
  await isHeldUntil(reading, expected, async () => {
    assert.match(String(troubles(reading)[0]?.details['message']), /permission denied.*payments/);
    await query(other, 'GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO newcomer');
  });
});

test('a schema that is missing, a table that is gone, a key that is gone: each is named', async (context) => {
  const url = await server.createDatabase();
  const elsewhere = `${url}?options=-c%20search_path%3Dbooks`;
  await isHeldUntil(start(elsewhere), wrong(/no schema.*search_path/), () =>
    query(url, 'CREATE SCHEMA books'),
  );
  const tables = await query(url, `SELECT FROM pg_tables WHERE schemaname = 'public'`);
  assert.equal(tables.length, 0);

  const gone = await emptyLedger(context);
  await query(gone, 'DROP TABLE batch_sums CASCADE');
  await isHeldUntil(start(gone), wrong(/a table is missing.*ledger_steps/), () =>
    query(gone, 'DROP TABLE ledger_steps'),
  );

  const keyless = await emptyLedger(context);
  await query(keyless, 'ALTER TABLE payments DROP CONSTRAINT payments_pkey');
  await isHeldUntil(start(keyless), wrong(/primary key/), () =>
    query(keyless, 'ALTER TABLE payments ADD PRIMARY KEY (correlation_id)'),
  );
});

test('a wrong password, and none where one is asked for, are named; the right one works in both drivers', async (context) => {
  const url = await emptyLedger(context);
  const password = `it's \\ a/s3cret#%?`;
  const [file] = await query<{ hba_file: string }>(url, 'SHOW hba_file');
  const hba = file?.hba_file as string;
  const rules = readFileSync(hba);
  context.after(async () => {
    writeFileSync(hba, rules);
    await query(url, 'SELECT pg_reload_conf()');
  });
  writeFileSync(hba, `host all locked 127.0.0.1/32 scram-sha-256\n${rules.toString()}`);
  await query(
    url,
    `CREATE ROLE locked LOGIN PASSWORD '${password.replace("'", "''")}';
     GRANT ALL ON ALL TABLES IN SCHEMA public TO locked;
     SELECT pg_reload_conf()`,
  );
  const withPassword = (text: string): string =>
    url.replace('repasse@', `locked${text && `:${encodeURIComponent(text)}`}@`);
  for (const [given, cause] of [
    ['s3cret', /^the password is wrong: .*user "locked"/],
    ['', /^the server asks for a password/],
  ] as const) {
    const started = start(withPassword(given));
    await waitUntil('it says why not', () => troubles(started).length > 0);
    assert.match(String(troubles(started)[0]?.details['cause']), cause);
    assert.equal(troubles(started)[0]?.level, 'error');
    assert.doesNotMatch(JSON.stringify(started.said), /s3cret/);
    await started.ledger.close();
  }
  const right = start(withPassword(password));
  await right.ready;
  await (await right.ledger.connect()).record(batchOfRows(rowOf(1)));
  assert.doesNotMatch(JSON.stringify(right.said), /s3cret/);
});

const UNFIT = [
  ['ALTER TABLE payments SET UNLOGGED', /payments is UNLOGGED/, 'ALTER TABLE payments SET LOGGED'],
  [
    `CREATE TRIGGER actor AFTER UPDATE ON payments
       EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
    /^trigger actor .* payments$/,
    'DROP TRIGGER actor ON payments',
  ],
  // With it the statement that records can't even be prepared.
  [
    'CREATE RULE actor AS ON INSERT TO payments DO INSTEAD NOTHING',
    /^rule actor .* payments$/,
    'DROP RULE actor ON payments',
  ],
] as const;
test('tables that lose or change rows by themselves are refused, and the reason names how', async (context) => {
  for (const [text, cause, mend] of UNFIT) {
    const url = await emptyLedger(context);
    await query(url, text);
    const expected = { level: 'error', setting: 'the database', cause };
    await isHeldUntil(start(url), expected, () => query(url, mend));
  }
});

test('a database that loses rows in a power failure is logged once, or refused with LEDGER_DURABILITY=require', async (context) => {
  const url = await emptyLedger(context);
  const warned = start(url);
  await warned.ready;
  for (let n = 0; n < 3; n++) (await warned.ledger.connect()).close();
  const risks = warned.said.filter(({ event }) => event === 'ledger may lose rows');
  assert.deepEqual(risks, [
    {
      level: 'error',
      event: 'ledger may lose rows',
      details: { settings: ['fsync is off'], durability: 'warn' },
    },
  ]);

  const required = start(url, { durability: 'require', instance: 1 });
  await waitUntil('it is refused', () => troubles(required).length > 0);
  assert.equal(troubles(required)[0]?.details['setting'], 'LEDGER_DURABILITY');
  assert.match(String(troubles(required)[0]?.details['cause']), /fsync is off/);
  await assert.rejects(required.ledger.connect(), LedgerFailure);
  await assert.rejects(required.ledger.find([]), /not ready/);
});

test('a synchronous_commit that was overridden is logged once', async (context) => {
  const url = await emptyLedger(context);
  await query(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`);
  const started = start(url);
  await started.ready;
  for (let n = 0; n < 3; n++) (await started.ledger.connect()).close();
  assert.deepEqual(
    started.said.filter(({ event }) => event === 'ledger settings overridden'),
    [
      {
        level: 'warn',
        event: 'ledger settings overridden',
        details: { settings: ['synchronous_commit was off'] },
      },
    ],
  );
});
