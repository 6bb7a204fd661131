// A journal belongs to one ledger: an emptied ledger, another one, or one that went back in time is
// refused until an operator decides otherwise. A journal of the version before, and one with a
// damaged header, keep their payments.

import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { operate } from './operating.ts';
import { openStage } from './stage.ts';

const HEADER_BYTES = 4096;
const { world, random, book } = await openStage({ instances: 1 });
const instance = world.instance(0);
after(() => instance.program.running && instance.kill());

const settled = (): Promise<void> => audit(world, book.accepted, { maybe: book.maybe });

async function pay(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = idToText(random.id());
    assert.equal((await instance.client.pay(id, '19.90')).status, 202);
    book.accepted.push({ id, cents: 1990 });
  }
}

async function refuses(reason: RegExp): Promise<void> {
  await instance.becomes('disagreed');
  const { status, body } = await instance.client.pay(idToText(random.id()), '1.00');
  assert.equal(status, 503);
  assert.match(body, reason);
  assert.equal((await world.client.send('GET', '/payments-summary')).status, 503);
  const said = await waitUntil('it says so', async () => {
    const line = await instance.latest('disagreement');
    return reason.test(String(line['reason'])) ? line : undefined;
  });
  assert.equal(said?.['level'], 'error');
  assert.match(String(said?.['wayOn']), /npm run operate -- adopt/);
}

async function adopt(): Promise<void> {
  await instance.kill();
  const { code, words } = await operate(world, instance, 'adopt');
  assert.equal(code, 0, words);
  await instance.restart();
  await instance.becomes('agreed');
}

async function failing(isFailing: boolean): Promise<void> {
  for (const { levers } of world.processors) await levers.setFailing(isFailing);
}

test(`a ledger that went back in time is refused, running and at the start, until it is adopted ${AGAIN}`, async () => {
  await pay(5);
  await settled();
  await query(world.databaseUrl, 'UPDATE instances SET mark = mark - 1');
  await refuses(/the ledger went back in time/);
  await instance.kill();
  await instance.restart();
  await refuses(/the ledger went back in time/);
  await adopt();
  await pay(5);
  await settled();
});

test(`an emptied ledger is refused, and goes on when it is itself again ${AGAIN}`, async () => {
  await query(world.databaseUrl, 'CREATE TABLE kept AS SELECT * FROM ledger');
  await query(world.databaseUrl, 'DELETE FROM ledger');
  await refuses(/the ledger was emptied/);
  await query(world.databaseUrl, 'INSERT INTO ledger SELECT * FROM kept');
  await instance.becomes('agreed');
  await waitUntil('it says so', () => instance.said('disagreement is over') > 0);

  await query(world.databaseUrl, 'TRUNCATE ledger, instances');
  await refuses(/the ledger was emptied/);
  await adopt();
  await pay(5);
  await settled();
});

test(`no summary is made before the ledger has agreed ${AGAIN}`, async () => {
  await instance.kill();
  await query(world.databaseUrl, 'ALTER TABLE instances RENAME TO renamed');
  await query(world.databaseUrl, 'CREATE VIEW instances AS SELECT 1 / 0 AS instance');
  await instance.restart();
  await waitUntil('the place is asked for', () => {
    return instance.said('ledger unavailable for the place') > 0;
  });
  const { status, body } = await instance.client.send('GET', '/payments-summary');
  assert.equal(status, 503, body);
  assert.match(body, /the ledger can not be read/);
  await query(world.databaseUrl, 'DROP VIEW instances');
  await query(world.databaseUrl, 'ALTER TABLE renamed RENAME TO instances');
  await instance.becomes('agreed');
  await settled();
});

test(`another ledger is refused, held payments wait for the right one ${AGAIN}`, async () => {
  const other = await world.database.createDatabase();
  await failing(true);
  await pay(5);
  await instance.kill();
  await instance.restart({ DATABASE_URL: other });
  // An instance with a new journal makes it a ledger.
  await instance.kill();
  await instance.restart({
    DATABASE_URL: other,
    JOURNAL_PATH: `${instance.journalPath}.of-the-other`,
  });
  await instance.becomes('agreed');
  await instance.kill();
  await failing(false);
  await instance.restart({ DATABASE_URL: other });
  await refuses(/the journal belongs to another ledger/);
  assert.equal((await instance.status()).held, 5);
  await instance.kill();
  await instance.restart();
  await settled();
});

test(`a purge keeps the ledger's identity ${AGAIN}`, async () => {
  const identity = 'SELECT id FROM ledger';
  const before = await query(world.databaseUrl, identity);
  assert.equal((await world.client.send('POST', '/purge-payments')).status, 200);
  assert.deepEqual(await query(world.databaseUrl, identity), before);
  await instance.kill();
  await instance.restart();
  await instance.becomes('agreed');
  for (const { levers } of world.processors) await levers.purge();
  book.accepted.length = 0;
  book.maybe.length = 0;
});

/** Writes the header of a journal that nobody uses. */
function writeHeader(change: (header: Buffer) => void): void {
  const file = openSync(instance.journalPath, 'r+');
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(file, header, 0, HEADER_BYTES, 0);
  change(header);
  writeSync(file, header, 0, HEADER_BYTES, 0);
  closeSync(file);
}

test(`a journal of version 1 is taken over with all that it holds ${AGAIN}`, async () => {
  await failing(true);
  await pay(5);
  await instance.kill();
  writeHeader((header) => {
    // One copy: up to the journal's number it was the same.
    header.fill(0, 24, 32).fill(0, 40);
    header.writeUInt32LE(1, 12);
    header.writeUInt32LE(crc32(header.subarray(4)), 0);
  });
  await failing(false);
  await instance.restart();
  await settled();
});

test(`a damaged header stops the start, and is made anew with nothing lost ${AGAIN}`, async () => {
  await failing(true);
  await pay(5);
  await instance.kill();
  writeHeader((header) => header.fill(7));
  instance.start();
  assert.equal(await instance.program.ended(), 2);
  const { message } = await instance.latest('journal can not be used');
  assert.match(String(message), /JOURNAL_PATH/);
  assert.match(instance.program.lastWords(), /"npm run operate -- repair"/);
  const { code, words } = await operate(world, instance, 'repair');
  assert.equal(code, 0, words);
  assert.match(words, /instance 0 of 1; \d+ cells are whole/);
  const again = await operate(world, instance, 'repair');
  assert.equal(again.code, 2);
  assert.match(again.words, /nothing to repair/);
  await failing(false);
  await instance.restart();
  await settled();
});
