// A comparison finds archived rows as it finds others, and leaves them to people. A range with a
// part of a detached month is refused.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LedgerReader } from '../../src/ledger/reader.ts';
import { archiveBefore, detachMonth } from '../ledger/archive-fixture.ts';
import { DatabaseServer } from '../world/database.ts';
import { Books, idOf, kindsIn, REPAIR, row } from './books-fixture.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('archived rows are compared and not repaired, and detached ones are not compared', async (context) => {
  const books = await Books.open(server, context);
  const reader = new LedgerReader(books.databaseUrl, 5_000, () => {});
  await reader.ensureInBackground();
  await reader.close();
  await books.settle(row(1), row(2, 1));
  assert.equal((await archiveBefore(books.databaseUrl, '2025-08')).rows, 2);
  const { code, printed, output } = await books.reconcile();
  assert.equal(code, 0, output);
  assert.equal(printed?.looked.lines, 2);

  await books.query('UPDATE archived_payments SET amount_cents = 7 WHERE processor = 1');
  await books.charge(row(3));
  const repaired = await books.reconcile(...REPAIR);
  assert.equal(repaired.code, 1, repaired.output);
  const { [idOf(2)]: second, [idOf(3)]: third } = kindsIn(repaired.printed);
  assert.deepEqual([second, third], ['other amount', 'missing in the ledger']);
  const results = (repaired.printed?.outcomes ?? []).map(({ result }) => result);
  assert.ok(results.includes('archived') && results.includes('repaired'), repaired.output);
  assert.equal(kindsIn(repaired.printed?.after)[idOf(3)], undefined);

  assert.equal(await detachMonth(books.databaseUrl, '2025-07'), undefined);
  const refused = await books.reconcile('--from', '2025-06-01', '--to', '2025-07-01T00:00:00Z');
  assert.equal(refused.code, 2, refused.output);
  assert.match(refused.output, /the rows of 2025-07 are detached: choose --from and --to without/);
  const others = await books.reconcile('--from', '2025-08-01', '--to', '2025-08-02');
  assert.equal(others.code, 0, others.output);
});
