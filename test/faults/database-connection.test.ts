// The connection to PostgreSQL fails in the middle of a batch, in every way that a network can
// fail. Whether the statement took effect is unknown: it is sent again unchanged, and the books are
// right.

import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({
  gaps: true,
  front: false,
  environment: { LEDGER_TIMEOUT_MS: '400' },
});

const recorded = async (): Promise<number> => {
  const [row] = await query<{ rows: number }>(
    world.databaseUrl,
    'SELECT count(*)::int AS rows FROM payments',
  );
  return row?.rows ?? 0;
};

const unrecorded = async (): Promise<number> => {
  const each = await Promise.all(world.instances.map((instance) => instance.status()));
  return each.reduce((sum, status) => sum + status.unrecorded, 0);
};

/** A batch has left or taken effect, and its answer didn't come. */
async function midBatch(): Promise<void> {
  await waitUntil('rows wait for their answer', async () => (await unrecorded()) >= 40);
}

const faults: Readonly<Record<string, () => Promise<void> | void>> = {
  'a reset': () => world.gaps.database.reset(),
  'a close': () => world.gaps.database.cut(),
  'answers held back, then a reset': async () => {
    const recordedBefore = await recorded();
    world.gaps.database.hold('answers');
    await waitUntil(
      'rows are recorded and nobody knows',
      async () => (await recorded()) > recordedBefore,
    );
    await midBatch();
    world.gaps.database.reset();
    world.gaps.database.release();
  },
  'answers held back for longer than the time-out': async () => {
    world.gaps.database.hold('answers');
    await midBatch();
    const { accepted: connections } = world.gaps.database;
    await waitUntil('another connection is tried', () => {
      return world.gaps.database.accepted > connections;
    });
    world.gaps.database.release();
  },
  'statements held back for longer than the time-out': async () => {
    world.gaps.database.hold('requests');
    await midBatch();
    world.gaps.database.release();
  },
  'a black hole for answers': async () => {
    world.gaps.database.blackHole('answers');
    await midBatch();
    world.gaps.database.release();
  },
  'a black hole for everything': async () => {
    world.gaps.database.blackHole();
    await midBatch();
    world.gaps.database.release();
  },
  'connections refused': async () => {
    await world.gaps.database.refuse();
    world.gaps.database.reset();
    await midBatch();
    await world.gaps.database.accept();
  },
};

for (const [name, fault] of Object.entries(faults)) {
  test(`${name} on the way to the ledger loses and doubles nothing ${AGAIN}`, async () => {
    const clients = world.instances.map(({ client }) => client);
    await using load = new Load({ clients, random, book });
    await load.more(30);
    await fault();
    await load.more(30);
    await load.stop();
    await audit(world, book.accepted, { maybe: book.maybe });
  });
}
