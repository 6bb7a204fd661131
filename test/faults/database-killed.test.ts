// PostgreSQL dies, or throws everybody out: payments go on being taken, and every one is recorded when it is back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage();

async function under(fault: (load: Load) => Promise<void>): Promise<void> {
  const clients = world.instances.map(({ client }) => client);
  await using load = new Load({ clients, random, book });
  await load.more(50);
  await fault(load);
  await load.stop();
  assert.deepEqual([...load.answers.keys()], [202], 'intake never noticed');
  await audit(world, book.accepted, { maybe: book.maybe });
}

test(`kill -9 of PostgreSQL under load loses and doubles nothing ${AGAIN}`, () =>
  under(async (load) => {
    for (let kill = 0; kill < 2; kill++) {
      await world.database.kill();
      await load.more(100);
      await world.database.restart();
      await load.more(50);
    }
  }));

test(`every connection terminated, again and again, loses and doubles nothing ${AGAIN}`, () =>
  under(async (load) => {
    for (let round = 0; round < 10; round++) {
      await query(
        world.databaseUrl,
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      );
      await load.more(20);
    }
  }));

test(`PostgreSQL and an instance killed together: what was charged and not recorded is found ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(100);
  await world.database.kill();
  await load.more(50);
  await Promise.all(world.instances.map((instance) => instance.kill()));
  // They come back before the ledger does, and can't ask it what is settled.
  await Promise.all(world.instances.map((instance) => instance.restart()));
  await load.more(50);
  await world.database.restart();
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
});
