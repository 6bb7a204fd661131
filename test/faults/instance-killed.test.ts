// kill -9 of instances, again and again, while payments come in and both processors misbehave.

import { test } from 'node:test';
import { heal, misbehave } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const KILLS = 3;
const { world, random, book } = await openStage({
  environment: { TIMEOUT_FALLBACK_MS: '300', TIMEOUT_SLACK_MS: '300' },
});

for (const sync of ['never', 'interval', 'always']) {
  test(`kill -9 of instances loses and doubles nothing with JOURNAL_SYNC=${sync} ${AGAIN}`, async () => {
    const environment = { JOURNAL_SYNC: sync };
    for (const instance of world.instances) {
      await instance.kill();
      await instance.restart(environment);
    }
    const clients = [world.client, ...world.instances.map(({ client }) => client)];
    await using load = new Load({ clients, random, book });
    for (let kill = 0; kill < KILLS; kill++) {
      await misbehave(world.processors, random);
      await load.more(40);
      const instance = world.instance(random.below(2));
      await instance.kill();
      await load.more(40);
      instance.start(environment);
      // Sometimes in the middle of its recovery as well.
      if (random.chance(0.4)) {
        await instance.kill();
        instance.start(environment);
      }
      await instance.waitReady();
    }
    await load.stop();
    await heal(world.processors);
    await audit(world, book.accepted, { maybe: book.maybe });
  });
}

test(`kill -9 of both instances at once, and every one of their payments is settled ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  for (let kill = 0; kill < 2; kill++) {
    await misbehave(world.processors, random);
    await load.more(100);
    await Promise.all(world.instances.map((instance) => instance.kill()));
    await Promise.all(world.instances.map((instance) => instance.restart()));
  }
  await load.stop();
  await heal(world.processors);
  await audit(world, book.accepted, { maybe: book.maybe });
});
