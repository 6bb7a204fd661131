// The ledger's disk is full: payments are accepted and charged, and recorded when there is room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN, Random } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { needsSmallDisk, SmallDisk } from '../world/small-disk.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld } from '../world/world.ts';
import { emptyBook, Load } from './load.ts';

test(`a full disk of the ledger loses and doubles nothing ${AGAIN}`, needsSmallDisk, async () => {
  const random = new Random();
  const book = emptyBook();
  await using world = await openWorld({ environment: { RING_SLOTS: '5000' } });
  using disk = new SmallDisk(1024, world.database.user);
  // Outside of transactions: a tablespace can't be made in one.
  await query(world.databaseUrl, `CREATE TABLESPACE small LOCATION '${disk.directory}'`);
  await query(world.databaseUrl, 'ALTER TABLE payments SET TABLESPACE small');
  disk.fill();

  await using load = new Load({ clients: [world.client], random, book });
  await waitUntil('the ledger is said to be full', () =>
    world.instances.some(({ lines }) => lines.some((line) => line.includes('"53100"'))),
  );
  await load.more(100);
  const held = await Promise.all(world.instances.map((instance) => instance.status()));
  assert.ok(held.reduce((sum, status) => sum + status.unrecorded, 0) >= 100);
  disk.empty();
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
  await world.database.kill();
});
