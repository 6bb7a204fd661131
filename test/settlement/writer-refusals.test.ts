// A refused row, whatever the error is: it is taken out of its batch, logged with its id and tried
// again, and all other rows are recorded. An error of the connection refuses no row.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq, LedgerFailure } from '../../src/ledger/libpq.ts';
import { BatchWriter } from '../../src/settlement/batch-writer.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { checkSums, makeLedger, rowOf } from '../ledger/ledger-fixture.ts';
import { setUp, surroundings } from './writer-bench.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const ascending = (left: number, right: number): number => left - right;
const ignore = (): void => {};

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

for (const sqlState of ['P0001', '44000', '38000', '39000', '09000', '27000', '54000', 'XX001']) {
  test(`one row that is refused with ${sqlState} holds up no other one`, async () => {
    const { clock, ledger, writer, recorded, said, add } = setUp();
    ledger.fateOf = ({ amountCents }) =>
      amountCents.slice(1, -1).split(',').includes('4') ? { refused: sqlState } : 'recorded';
    add(100);
    await clock.advance(0);
    assert.deepEqual(
      recorded.toSorted(ascending),
      range(100).filter((n) => n !== 3),
    );
    assert.equal(writer.refused, 1);
    assert.deepEqual(
      said.map(({ event, correlationId, sqlState: state }) => [event, correlationId, state]),
      [['ledger refuses a row', rowOf(3).correlationId, sqlState]],
    );
  });
}

test('a ledger that refuses the connection refuses no row', async () => {
  const { clock, ledger, writer, recorded, said, add } = setUp();
  const { connect } = ledger;
  let tries = 0;
  // P0001: it is another ledger.
  ledger.connect = () =>
    ++tries < 4
      ? Promise.reject(new LedgerFailure('refused', 'another ledger', 'P0001'))
      : connect();
  add(10);
  await clock.advance(0);
  assert.equal(writer.refused, 0);
  await clock.advance(1_000);
  assert.deepEqual(recorded, range(10));
  assert.deepEqual(
    said.map(({ event }) => event),
    ['ledger unavailable', 'ledger available again'],
  );
});

test('a row that a trigger refuses is set aside, and all others are recorded', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  await query(
    url,
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'not with 77 cents'; END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON payments FOR EACH ROW
       WHEN (NEW.amount_cents = 77) EXECUTE FUNCTION refuse()`,
  );
  // A row that is set aside is not tried again for half a minute.
  const impatient = {
    ...systemClock,
    after: (ms: number, run: () => void) => systemClock.after(Math.min(ms, 500), run),
  };
  const said: unknown[] = [];
  const say = (event: string, { correlationId, sqlState }: Record<string, unknown> = {}): unknown =>
    said.push([event, correlationId, sqlState]);
  const writer = new BatchWriter({
    clock: impatient,
    config: { BATCH_ROWS: 100, BATCH_WAIT_MS: 10, BATCH_ROWS_MAX: 100 },
    ledger: {
      connect: () => connectLibpq(url, { name: 0 }, 5_000, systemClock),
      find: (ids) => reader.find(ids),
    },
    ...surroundings({
      rowOf: (slot) => rowOf(slot, 1 + slot),
      onRecorded: ignore,
      onContradicted: (_, row) => assert.fail(`nobody else recorded ${row.correlationId}`),
    }),
    log: { info: say, warn: say, error: say },
  });
  context.after(() => writer.close());
  for (let slot = 0; slot < 100; slot++) writer.add(slot);
  await waitUntil('all others are recorded', () => writer.pending === 1);
  assert.deepEqual(said, [['ledger refuses a row', rowOf(76).correlationId, 'P0001']]);
  assert.deepEqual(await checkSums(url), { payments: 99, cents: 5050 - 77 });
  await query(url, 'DROP TRIGGER refuse ON payments');
  await waitUntil('this one is recorded as well', () => writer.pending === 0);
  assert.deepEqual(await checkSums(url), { payments: 100, cents: 5050 });
});
