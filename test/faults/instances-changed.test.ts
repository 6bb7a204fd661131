// The number of instances changes: the operator's command waits until no instance holds a payment.
// Otherwise it says what is held and changes nothing.

import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import type { Client } from '../world/client.ts';
import { query } from '../world/database.ts';
import { makeInstances } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { operate } from './operating.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({ front: false });
const [first, second] = [world.instance(0), world.instance(1)];
const clients = [first.client, second.client];

const registered = async (): Promise<number> => {
  const rows = await query<{ instances: number }>(
    world.databaseUrl,
    'SELECT instances FROM ledger',
  );
  return rows[0]?.instances ?? 0;
};

const statusOfNew = async (client: Client): Promise<number> =>
  (await client.pay(idToText(random.id()), '1.00')).status;

async function failing(isFailing: boolean): Promise<void> {
  for (const { levers } of world.processors) await levers.setFailing(isFailing);
}

test(`while something is held, or an instance ended without a word, nothing changes ${AGAIN}`, async () => {
  await failing(true);
  const id = idToText(random.id());
  assert.equal((await first.client.pay(id, '19.90')).status, 202);
  book.accepted.push({ id, cents: 1990 });
  const held = await operate(world, first, 'count', '3', '--wait', '2');
  assert.equal(held.code, 1, held.words);
  assert.match(held.words, /not done: not within 2 s: .*instance \d is draining and holds 1/);
  assert.equal(await registered(), 2);
  await failing(false);
  await audit(world, book.accepted);

  await second.kill();
  const silent = await operate(world, first, 'count', '3', '--wait', '2');
  assert.equal(silent.code, 1, silent.words);
  assert.match(silent.words, /instance 1 (runs, or was killed|is draining)/);
  assert.equal(await registered(), 2);
  await second.restart();
  for (const client of clients) {
    await waitUntil('it takes payments again', async () => (await statusOfNew(client)) === 202);
  }
});

test(`under load: clients are refused, what is held is settled, and three go on where two were ${AGAIN}`, async () => {
  // Those of the last test were not noted down.
  assert.equal((await first.client.send('POST', '/purge-payments')).status, 200);
  for (const { levers } of world.processors) await levers.purge();
  book.accepted.length = 0;
  {
    await using load = new Load({ clients, random, book });
    await load.more(50);
    const changed = await operate(world, first, 'count', '3');
    assert.equal(changed.code, 0, changed.words);
    assert.equal(await registered(), 3);
    for (const instance of [first, second]) await instance.becomes('disagreed');
    await load.stop();
    assert.ok((load.answers.get(503) ?? 0) > 0);
  }
  await audit(world, book.accepted, { maybe: book.maybe });
  for (const instance of [first, second]) await instance.kill();

  const three = makeInstances(dirname(first.socketPath), 3, () => ({
    RING_SLOTS: '5000',
    DATABASE_URL: world.databaseUrl,
    PROCESSOR_DEFAULT_URL: world.default.url,
    PROCESSOR_FALLBACK_URL: world.fallback.url,
  }));
  after(() => Promise.all(three.map((instance) => instance.close())));
  await Promise.all(three.map((instance) => instance.restart()));
  for (const instance of three) await instance.becomes('agreed');
  await using load = new Load({ clients: three.map(({ client }) => client), random, book });
  await load.more(100);
  await load.stop();
  const { databaseUrl, processors } = world;
  await audit({ databaseUrl, processors, instances: three }, book.accepted, { maybe: book.maybe });
});

test(`the operator can give up a journal that is lost ${AGAIN}`, async () => {
  const lost = await openStage({ instances: 1, front: false });
  const instance = lost.world.instance(0);
  await instance.becomes('agreed');
  const runs = await operate(lost.world, instance, 'lost', '0');
  assert.equal(runs.code, 1);
  assert.match(runs.words, /instance 0 runs/);
  await instance.kill();
  const environment = { JOURNAL_PATH: `${instance.journalPath}.new` };
  await instance.restart(environment);
  await instance.becomes('disagreed');
  const given = await operate(lost.world, instance, 'lost', '0');
  assert.equal(given.code, 0, given.words);
  await instance.becomes('agreed');
});
