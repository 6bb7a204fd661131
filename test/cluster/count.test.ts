// The number of shards changes: the operator's command waits until nothing is held, and the
// processes are started again with the new number.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Load } from '../faults/load.ts';
import { operate } from '../faults/operating.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, shardsOf } from './shards.ts';

const { world, random, book, spare } = await openCluster(2);
const { instances } = world;

test(`two shards become three under load, then one; one with the old number takes none ${AGAIN}`, async () => {
  for (const shards of [3, 1]) {
    {
      await using load = new Load({ clients: [world.client], random, book });
      await load.more(60);
      const changed = await operate(world, world.instance(0), 'count', String(shards));
      assert.equal(changed.code, 0, changed.words);
      await load.answered(503, 10);
      await load.stop();
    }
    const running = [...instances, spare].filter(({ program }) => program.running);
    for (const instance of running) await instance.kill('SIGTERM');
    const starting = [...instances, spare].slice(0, shards);
    for (const instance of starting) instance.start({ SHARDS: String(shards) });
    for (const instance of starting) {
      await instance.waitReady();
      await instance.becomes('agreed');
    }
    await using load = new Load({ clients: starting.map(({ client }) => client), random, book });
    await load.more(100);
    await load.stop();
    await audit({ ...pick(), instances: starting }, book.accepted, { maybe: book.maybe });
  }
  assert.deepEqual(
    (await shardsOf(world)).map(({ address }) => address !== ''),
    [true, false, false],
  );
  const [, old] = instances;
  old?.start({ SHARDS: '2' });
  await waitUntil('it says so', () => (old?.said('disagreement') ?? 0) > 0);
});

function pick() {
  const { databaseUrl, processors } = world;
  return { databaseUrl, processors };
}
