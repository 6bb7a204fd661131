// kill -9 of the processors under load: what they hold outlives them, and what was under way is settled when they are back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({ front: false });

const victims = {
  'the default processor': () => [world.default],
  'the fallback processor': () => [world.fallback],
  'both processors at once': () => [world.default, world.fallback],
};

for (const [name, processors] of Object.entries(victims)) {
  test(`kill -9 of ${name} loses and doubles nothing ${AGAIN}`, async () => {
    const clients = world.instances.map(({ client }) => client);
    await using load = new Load({ clients, random, book });
    for (let kill = 0; kill < 2; kill++) {
      // So that some are under way when it dies, at either processor.
      for (const { levers } of processors()) await levers.setDelay(30);
      await load.more(60);
      await Promise.all(processors().map((processor) => processor.kill()));
      await load.more(60);
      await Promise.all(processors().map((processor) => processor.restart()));
    }
    await load.stop();
    assert.deepEqual([...load.answers.keys()], [202], 'intake never noticed');
    await audit(world, book.accepted);
  });
}
