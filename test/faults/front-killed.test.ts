// kill -9 of nginx under load: what clients don't hear of is taken or not, and repeating it is safe.

import { test } from 'node:test';
import { AGAIN, Random } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { openWorld } from '../world/world.ts';
import { emptyBook, Load } from './load.ts';

test(`kill -9 of nginx, again and again, loses and doubles nothing ${AGAIN}`, async () => {
  const book = emptyBook();
  await using world = await openWorld({ environment: { RING_SLOTS: '5000' } });
  await using load = new Load({ clients: [world.client], random: new Random(), book });
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
