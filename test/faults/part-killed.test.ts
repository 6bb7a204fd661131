// kill -9 of nginx, of a processor or of PostgreSQL under load: payments are still accepted, and
// every one is charged once and recorded when the part is back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage();

test(`kill -9 of nginx, again and again, loses and doubles nothing ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  for (let kill = 0; kill < 5; kill++) {
    await load.more(60);
    await world.front.kill();
    await load.answered(0, 20);
    await world.front.restart();
  }
  await load.more(60);
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
});

/** Payments go to the instances, past nginx. */
async function under(fault: (load: Load) => Promise<void>): Promise<void> {
  const clients = world.instances.map(({ client }) => client);
  await using load = new Load({ clients, random, book });
  await load.more(50);
  await fault(load);
  await load.stop();
  assert.deepEqual([...load.answers.keys()], [202], 'intake goes on');
  await audit(world, book.accepted, { maybe: book.maybe });
}

const victims = {
  'the default processor': [world.default],
  'the fallback processor': [world.fallback],
  'both processors at once': world.processors,
};

for (const [name, processors] of Object.entries(victims)) {
  test(`kill -9 of ${name} loses and doubles nothing ${AGAIN}`, () =>
    under(async (load) => {
      for (let kill = 0; kill < 2; kill++) {
        // Some payments are under way when it dies.
        for (const { levers } of processors) await levers.setDelay(30);
        await load.more(60);
        await Promise.all(processors.map((processor) => processor.kill()));
        await load.more(60);
        await Promise.all(processors.map((processor) => processor.restart()));
      }
    }));
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
  // They start without the ledger: they accept payments, and can't ask it what is settled.
  await Promise.all(world.instances.map((instance) => instance.restart()));
  await load.more(50);
  await world.database.restart();
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
});
