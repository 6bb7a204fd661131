// Shards that move: an owner that dies, stands still or is cut off is followed by a spare, and
// nothing is lost or charged twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { Load } from '../faults/load.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, ownerOf, shardsOf } from './shards.ts';

const { world, random, book, spare } = await openCluster(2, {
  environment: {
    TIMEOUT_DEFAULT_MS: '300',
    TIMEOUT_FALLBACK_MS: '300',
    TIMEOUT_SLACK_MS: '300',
  },
});
const clients = [world.client, ...world.instances.map(({ client }) => client)];
const audited = (): Promise<void> => audit(world, book.accepted, { maybe: book.maybe });
const epochOf = async (shard: number): Promise<number> =>
  (await shardsOf(world))[shard]?.epoch ?? 0;
const moved = (shard: number, from: number): Promise<unknown> =>
  waitUntil('the shard has another owner', async () => (await epochOf(shard)) > from, {
    withinMs: 60_000,
  });

test(`payments reach their shard from whichever process they were sent to ${AGAIN}`, async () => {
  await using load = new Load({ clients, random, book });
  await load.more(300);
  await load.stop();
  await audited();
  assert.deepEqual(
    (await shardsOf(world)).map(({ shard, epoch, address }) => [shard, epoch, address !== '']),
    [
      [0, 1, true],
      [1, 1, true],
    ],
  );
});

test(`kill -9 of an owner: a spare follows, and the owner comes back as a spare ${AGAIN}`, async () => {
  spare.start();
  await waitUntil('it is a spare', () => spare.said('spare') > 0);
  await using load = new Load({ clients, random, book });
  await load.more(60);
  const owner = await ownerOf(world, 1);
  const epoch = await epochOf(1);
  await owner.kill();
  await moved(1, epoch);
  await waitUntil('the spare has it', () => spare.said('shard taken') === 1);
  await load.more(60);
  owner.start();
  await waitUntil('the old owner is a spare', () => owner.said('spare') > 0);
  // It gives the shard back in order: the old owner takes it at once.
  await spare.kill('SIGTERM');
  await owner.waitReady();
  await load.more(60);
  await load.stop();
  await audited();
});

test(`an owner that stands still is followed, ends when it goes on, and charges none twice ${AGAIN}`, async () => {
  spare.start();
  await using load = new Load({ clients, random, book, ratePerS: 300 });
  await load.more(100);
  const owner = await ownerOf(world, 0);
  const epoch = await epochOf(0);
  owner.program.signal('SIGSTOP');
  await moved(0, epoch);
  await load.more(100);
  owner.program.signal('SIGCONT');
  assert.equal(await owner.program.ended(), 3);
  assert.equal((await owner.latest('lease lost'))['level'], 'warn');
  owner.start();
  await load.more(60);
  await spare.kill('SIGTERM');
  await owner.waitReady();
  await load.stop();
  await audited();
});

test(`an owner whose epoch another one has too is followed all the same ${AGAIN}`, async () => {
  const { databaseUrl } = world;
  await using load = new Load({ clients, random, book });
  await load.more(60);
  const owner = await ownerOf(world, 0);
  owner.program.signal('SIGSTOP');
  const epoch = await epochOf(0);
  // As after a restore: the rows are older than the owner, and the next epoch is its own.
  await query(databaseUrl, `UPDATE shards SET epoch = ${epoch - 1}, owner = '' WHERE shard = 0`);
  spare.start();
  await moved(0, epoch - 1);
  assert.equal(await epochOf(0), epoch);
  await load.more(60);
  owner.program.signal('SIGCONT');
  assert.equal(await owner.program.ended(), 3);
  owner.start();
  await load.more(60);
  await spare.kill('SIGTERM');
  await owner.waitReady();
  await load.stop();
  await audited();
});

test(`a process that also stands in the row of another shard is asked for its own ${AGAIN}`, async () => {
  const [own] = await shardsOf(world);
  const [other, gone] = [await ownerOf(world, 0), await ownerOf(world, 1)];
  await using load = new Load({ clients: [other.client], random, book });
  await gone.kill();
  const { databaseUrl } = world;
  // As if it had taken that shard, lost its session, and taken its own one then.
  const stale = `UPDATE shards SET address = '${own?.address}', heartbeat_at = clock_timestamp()`;
  await query(databaseUrl, `${stale} WHERE shard = 1`);
  // It asks the others once a second while one is away, and reads the rows after each heartbeat.
  const laterBy = `SELECT FROM shards a, shards b WHERE a.shard = 0 AND b.shard = 1
    AND a.heartbeat_at > b.heartbeat_at + interval '4 seconds'`;
  await waitUntil('it has asked', async () => (await query(databaseUrl, laterBy)).length > 0);
  await load.more(60);
  assert.equal(other.said('disagreement'), 0);
  gone.start();
  await gone.waitReady();
  await load.more(60);
  await load.stop();
  await audited();
});

test(`all sessions with the database end: the owners go on with what was not answered ${AGAIN}`, async () => {
  await using load = new Load({ clients, random, book });
  await load.more(60);
  const before = await shardsOf(world);
  await world.database.kill();
  await load.answered(503, 5);
  await world.database.restart();
  await load.more(100);
  await load.stop();
  await audited();
  assert.deepEqual(await shardsOf(world), before, 'no shard has moved');
});
