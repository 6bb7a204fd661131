// A processor fails after its commit: it answers 500 and holds the payment. With OUTCOMES strict
// each payment is charged once all the same, whether default fails so or both. A payment that was
// sent to a failing processor stays with it until it works.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit, chargedAt } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({
  front: false,
  // Eager goes on sending to a processor that fails.
  environment: { OUTCOMES_DEFAULT: 'strict', OUTCOMES_FALLBACK: 'strict', POLICY: 'eager' },
});
const clients = world.instances.map(({ client }) => client);

for (const status of [500, 503]) {
  test(`a ${status} after the insert loses and doubles nothing ${AGAIN}`, async () => {
    for (const victims of [[world.default], world.processors]) {
      const seed = random.below(2 ** 31);
      for (const { levers } of victims) {
        await levers.setFault({ kind: 'status-after-insert', status, share: 0.5, seed });
      }
      const { faultedAfterInsert: before } = await world.default.levers.attempts();
      await using load = new Load({ clients, random, book });
      await load.more(60);
      await load.stop();
      await waitUntil('the fault befell some', async () => {
        return (await world.default.levers.attempts()).faultedAfterInsert > before;
      });
      // Before anything is healed: each is found by a question.
      await audit(world, book.accepted);
      await heal(world.processors);
    }
  });
}

test(`what a failing processor was sent stays with it until it works ${AGAIN}`, async () => {
  await world.default.levers.setFailing(true);
  const { default: before } = await chargedAt(world);
  await using load = new Load({ clients, random, book });
  await load.more(30);
  await load.stop();
  await waitUntil('all are unknown or settled', async () => {
    const each = await Promise.all(world.instances.map((instance) => instance.status()));
    const [held, unknown] = [
      each.reduce((sum, one) => sum + one.held, 0),
      each.reduce((sum, one) => sum + one.unknown, 0),
    ];
    return unknown > 0 && held === unknown;
  });
  assert.equal((await chargedAt(world)).default, before);
  await heal(world.processors);
  await audit(world, book.accepted);
  assert.ok((await chargedAt(world)).default > before);
});
