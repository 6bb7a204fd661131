// Every kind of difference between ledger and processors is found, with what it is, and is repaired
// or left to a person.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FOLD_SUMS } from '../../src/ledger/fold-sums.ts';
import { checkSums } from '../ledger/ledger-fixture.ts';
import { DatabaseServer } from '../world/database.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';
import {
  Books,
  environmentOf,
  idOf,
  kindsIn,
  NOON,
  type Printed,
  RECONCILE,
  REPAIR,
  row,
} from './books-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('books that agree end with 0, and nothing is repaired', async (context) => {
  const books = await Books.open(server, context);
  await books.settle(row(1), row(2, 1), row(3, 0, 1));
  const { code, printed, output } = await books.reconcile(...REPAIR);
  assert.equal(code, 0, output);
  assert.deepEqual(printed?.differences, []);
  assert.deepEqual(await books.query('SELECT * FROM operator_actions'), []);
});

test('each kind of difference is found, repaired if that is safe, and left alone after that', async (context) => {
  const books = await Books.open(server, context);
  await books.settle(row(1), row(2, 1));
  await books.charge(row(10), row(11, 1, 5_000)); // missing in the ledger
  await books.record(row(20)); // missing at the processor
  await books.record(row(30, 0, 100));
  await books.charge(row(30, 0, 101)); // other amount
  await books.record(row(40));
  await books.charge(row(40, 0, 1990, NOON + 5_000)); // other requestedAt, in another second
  await books.record(row(50));
  await books.charge(row(50, 1)); // at the other processor
  await books.settle(row(60));
  await books.charge(row(60, 1)); // at both processors
  await books.charge(row(70));
  await books.query(
    `INSERT INTO given_up (correlation_id, amount_cents, may_be_charged) VALUES ('${idOf(70)}', 1990, true)`,
  );
  await books.settle(row(80, 1, 700, NOON + 80_000));
  await books.query(FOLD_SUMS);
  await books.query(
    `UPDATE payment_sums SET amount_cents = 1
     WHERE seconds = 1 AND starts_at = '2025-07-15T12:01:20Z'`,
  );
  const found = await books.reconcile();
  assert.equal(found.code, 1, found.output);
  const expected = {
    [idOf(10)]: 'missing in the ledger',
    [idOf(11)]: 'missing in the ledger',
    [idOf(20)]: 'missing at the processor',
    [idOf(30)]: 'other amount',
    [idOf(40)]: 'other requestedAt',
    [idOf(50)]: 'at the other processor',
    [idOf(60)]: 'at both processors',
    [idOf(70)]: 'given up and charged',
    fallback: 'wrong sum of a second',
  };
  assert.deepEqual(kindsIn(found.printed), expected);
  assert.deepEqual(await books.query('SELECT * FROM operator_actions'), [], 'a dry run');

  const repaired = await books.reconcile(...REPAIR);
  assert.equal(repaired.code, 1, repaired.output);
  assert.deepEqual(kindsIn(repaired.printed?.after), {
    [idOf(20)]: 'missing at the processor',
    [idOf(60)]: 'at both processors',
  });
  await checkSums(books.databaseUrl);
  const rows = await books.query<{ id: string; processor: number; cents: string }>(
    `SELECT correlation_id::text AS id, processor, amount_cents::text AS cents FROM payments
     WHERE correlation_id::text LIKE '%32' OR correlation_id::text LIKE '%1e'`,
  );
  assert.deepEqual(
    new Set(rows.map(({ id, processor, cents }) => `${id} ${processor} ${cents}`)),
    new Set([`${idOf(50)} 1 1990`, `${idOf(30)} 0 101`]),
  );
  assert.deepEqual(await books.query('SELECT * FROM given_up'), []);
  const actions = await books.query<{ actor: string; details: { kind: string } }>(
    'SELECT * FROM operator_actions',
  );
  assert.equal(actions.length, 7);
  assert.ok(actions.every(({ actor }) => actor === 'ana'));

  const again = await books.reconcile(...REPAIR);
  assert.equal(again.code, 1, again.output);
  assert.equal((await books.query('SELECT * FROM operator_actions')).length, 7, 'nothing more');
});

const kinds = (printed: Printed | undefined): string[] =>
  (printed?.differences ?? []).map(({ kind }) => kind).toSorted();

test('a wrong sum of any period is found, and repaired beside what is not folded yet', async (context) => {
  const books = await Books.open(server, context);
  await books.settle(row(1), row(2, 1), row(3, 0, 10, NOON + 90_000_000));
  await books.query(FOLD_SUMS);
  await books.settle(row(4, 0, 20), row(5, 1, 30, NOON + 3_600_000));
  await books.query(
    `UPDATE payment_sums SET payments = payments + 1 WHERE seconds = 60 AND processor = 0;
     UPDATE payment_sums SET amount_cents = 3 WHERE seconds = 3600 AND processor = 1;
     DELETE FROM payment_sums WHERE seconds = 86400`,
  );
  const found = await books.reconcile();
  assert.equal(found.code, 1, found.output);
  assert.deepEqual(kinds(found.printed), [
    'wrong sum of a day',
    'wrong sum of a day',
    'wrong sum of a day',
    'wrong sum of a minute',
    'wrong sum of a minute',
    'wrong sum of an hour',
  ]);
  const repaired = await books.reconcile(...REPAIR);
  assert.equal(repaired.code, 0, repaired.output);
  await checkSums(books.databaseUrl);
  await books.query(FOLD_SUMS);
  await checkSums(books.databaseUrl);
});

test('a range compares what is in it, both ends included', async (context) => {
  const books = await Books.open(server, context);
  await books.charge(row(1, 0, 10, NOON), row(2, 0, 10, NOON + 1_000), row(3, 0, 10, NOON + 2_000));
  const { printed } = await books.reconcile(
    '--from',
    '2025-07-15T12:00:00.001Z',
    '--to',
    '2025-07-15T12:00:01Z',
  );
  assert.deepEqual(kindsIn(printed), { [idOf(2)]: 'missing in the ledger' });
});

test('amounts whose sum is beyond 2^53 cents are exact', async (context) => {
  const books = await Books.open(server, context);
  const huge = 99_999_999_999_999;
  const rows = Array.from({ length: 120 }, (_, n) => row(n + 1, 0, huge - n));
  await books.settle(...rows);
  await books.charge(row(500, 0, 1));
  const found = await books.reconcile('--sums');
  assert.equal(found.code, 1, found.output);
  const [difference] = found.printed?.differences ?? [];
  assert.deepEqual(difference?.['leftOver'], { payments: '1', amountCents: '1' });
  assert.equal(difference?.['from'], '2025-07-15T12:00:00.000Z');
  assert.equal((await books.reconcile(...REPAIR)).code, 0);
});

test('anomalies are listed, and their payments are looked at', async (context) => {
  const books = await Books.open(server, context);
  await books.settle(row(1));
  await books.query(
    `INSERT INTO anomalies VALUES ('${idOf(1)}', 'settled with another amount', '{}', '{}', '{}', 0)`,
  );
  const { code, printed } = await books.reconcile();
  assert.equal(code, 0);
  assert.deepEqual(
    printed?.anomalies.map(({ correlationId }) => correlationId),
    [idOf(1)],
  );
});

test('the addresses of the processors in the wrong order repair nothing', async (context) => {
  const books = await Books.open(server, context);
  const rows = Array.from({ length: 20 }, (_, n) => row(n + 1, n % 3 === 0 ? 1 : 0));
  await books.settle(...rows);
  const [first, second] = books.processors;
  const { code, printed, output } = await books.reconcileThrough([second, first], ...REPAIR);
  assert.equal(code, 3, output);
  assert.match(output, /not repaired: .*PROCESSOR_DEFAULT_URL/);
  assert.equal(printed, undefined);
  assert.equal((await books.reconcile()).code, 0, 'the ledger is as it was');
});

/** Of the repair: whether it stands in a transaction that has changed a row and its sums. */
const STANDS = `
  SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'repasse-repair'
    AND state = 'idle in transaction' AND query ~ 'given_up|operator_actions'`;

test('a repair that stands still in a transaction holds up no batch writer, and is ended', async (context) => {
  const books = await Books.open(server, context);
  const rows = Array.from({ length: 999 }, (_, n) => row(n));
  await books.charge(...rows);
  const words = ['--rate', '10000', ...REPAIR];
  const command = new Program(RECONCILE, words);
  command.start(environmentOf(books));
  context.after(async () => {
    if (command.running) await command.kill();
  });
  await waitUntil('it repairs', () => command.lines.some((line) => line.startsWith('repaired')));
  await waitUntil('it stands in a transaction', async () => {
    command.signal('SIGSTOP');
    const stands = (await books.query(STANDS)).length > 0;
    if (!stands) command.signal('SIGCONT');
    return stands;
  });
  // In the second of the repairs.
  await books.settle(row(999));
  await waitUntil('its session is ended', async () => (await books.query(STANDS)).length === 0);
  command.signal('SIGCONT');
  assert.equal(await command.ended(), 3, command.lastWords());
  await checkSums(books.databaseUrl);
  assert.equal((await books.reconcile(...words)).code, 0);
  await checkSums(books.databaseUrl);
});
