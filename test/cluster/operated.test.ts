// What an operator does to a journal that is a table: only while no process runs the shard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster } from './shards.ts';

const OPERATE = new URL('../../src/operate.js', import.meta.url);
const { world, book } = await openCluster(1, { front: false });
const owner = world.instance(0);
const { databaseUrl } = world;

async function operate(...words: readonly string[]): Promise<readonly [unknown, string]> {
  const command = new Program(OPERATE, words);
  command.start({ DATABASE_URL: databaseUrl, SHARDS: '1', RING_SLOTS: '5000' });
  const code = await command.ended();
  return [code, [...command.lines, command.lastWords()].join()];
}

async function isRefused(words: readonly string[], why: RegExp): Promise<void> {
  const [code, said] = await operate(...words);
  assert.equal(code, 2);
  assert.match(said, why);
}

/** Starts the owner with settings that it can't use. Resolves with what it says. */
async function wordsOf(environment: Readonly<Record<string, string>>): Promise<string> {
  owner.start(environment);
  assert.equal(await owner.program.ended(), 2);
  return owner.program.lastWords();
}

const settled = (): Promise<unknown> =>
  waitUntil('all is settled', async () => (await owner.status()).held === 0, { withinMs: 60_000 });

test('nothing is done to the journal of a shard that a process runs, or that there is not', async () => {
  for (const command of ['adopt', 'repair', 'remove']) {
    await isRefused([command, '0'], /the journal of shard 0 is in use/);
    await isRefused([command, '3'], /the journal of shard 3 is not in this database/);
  }
  await waitUntil('it runs', async () => (await owner.status()).membership === 'agreed');
  assert.equal(owner.said('journal unavailable'), 0);
});

test('a damaged header is made anew, and nothing that is held is lost or removed', async () => {
  await Promise.all(world.processors.map((processor) => processor.kill()));
  for (let n = 1; n <= 3; n++) {
    const id = `00000000-0000-4000-8000-00000000000${n}`;
    assert.equal((await owner.client.pay(id, '1.00')).status, 202);
    book.accepted.push({ id, cents: 100 });
  }
  await owner.kill();
  await isRefused(['repair', '0'], /has a whole header/);
  await isRefused(['remove', '0'], /holds 3 payments/);
  await query(databaseUrl, `UPDATE journal_cells SET cell = repeat('x', 64)::bytea WHERE slot < 0`);
  assert.match(await wordsOf({}), /"npm run operate -- repair 0"/);
  await isRefused(['remove', '0'], /no whole header/);
  const [code, said] = await operate('repair', '0');
  assert.equal(code, 0, said);
  assert.match(said, /of shard 0 of 1; 3 cells are whole/);
  await Promise.all(world.processors.map((processor) => processor.restart()));
  owner.start();
  await owner.waitReady();
  await settled();
  await audit(world, book.accepted);
});

test('another RING_SLOTS needs a new journal, which a shard that holds nothing can have', async () => {
  await owner.kill('SIGTERM');
  assert.match(await wordsOf({ RING_SLOTS: '6000' }), /"npm run operate -- remove <shard>"/);
  assert.deepEqual((await operate('remove', '0'))[0], 0);
  owner.start({ RING_SLOTS: '6000' });
  await owner.waitReady();
  await owner.becomes('agreed');
  assert.equal((await owner.status()).free, 6_000);
});

test('a journal that is adopted belongs to the ledger that its next start finds', async () => {
  await owner.kill('SIGTERM');
  await query(databaseUrl, `UPDATE ledger SET id = gen_random_uuid()`);
  await query(databaseUrl, 'TRUNCATE instances');
  const [code, said] = await operate('adopt', '0');
  assert.equal(code, 0, said);
  assert.match(said, /belonged to ledger [0-9a-f-]{36};/);
  owner.start({ RING_SLOTS: '6000' });
  await owner.waitReady();
  await owner.becomes('agreed');
  const id = '00000000-0000-4000-8000-000000000009';
  assert.equal((await owner.client.pay(id, '1.00')).status, 202);
  book.accepted.push({ id, cents: 100 });
  await settled();
  await audit(world, book.accepted);
});
