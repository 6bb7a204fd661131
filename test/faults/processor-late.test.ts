// A processor charges long after every time-out, whoever was killed meanwhile: the outcome is known
// only by asking.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const LATE_MS = 4_000;
const { world, random, book } = await openStage({
  environment: {
    POLICY: 'eager',
    TIMEOUT_DEFAULT_MS: '100',
    TIMEOUT_FALLBACK_MS: '100',
  },
});

const unknown = async (): Promise<number> => {
  const each = await Promise.all(world.instances.map((instance) => instance.status()));
  return each.reduce((sum, status) => sum + status.unknown, 0);
};

/** Until what slept at the processors has woken up: it may still charge. */
async function allAwake(): Promise<void> {
  for (const { levers } of world.processors) {
    await waitUntil(
      'nothing sleeps there',
      async () => (await levers.attempts()).busy.atOnce === 0,
      {
        withinMs: 60_000,
      },
    );
  }
}

test(`answers beyond every time-out: charged late, once, and found ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(50);
  for (const { levers } of world.processors) await levers.setDelay(LATE_MS);
  await waitUntil('many outcomes are unknown', async () => (await unknown()) > 100);
  await load.stop();
  // Without anybody healing anything: the late ones arrive, and are found by asking.
  await audit(world, book.accepted, { maybe: book.maybe, withinMs: 120_000 });
  await allAwake();
  await audit(world, book.accepted, { maybe: book.maybe });
});

test(`killed with many outcomes unknown, the instances ask on after their restart ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await waitUntil('many outcomes are unknown', async () => (await unknown()) > 100);
  await Promise.all(world.instances.map((instance) => instance.kill()));
  // The fast repetition overtakes the late first attempt.
  await heal(world.processors);
  await Promise.all(world.instances.map((instance) => instance.restart()));
  await load.more(50);
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
  await allAwake();
  await audit(world, book.accepted, { maybe: book.maybe });
  assert.equal(await unknown(), 0);
});
