// Each way in which a processor can misbehave, at default alone and then at both: every payment
// ends at exactly one processor.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heal, MISBEHAVIOURS } from '../../tools/soak/mischief.ts';
import type { Fault } from '../../tools/simulator/faults.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit, chargedAt } from '../world/audit.ts';
import type { Processor } from '../world/processor.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

// POLICY=eager keeps sending to a processor that misbehaves. Without retries, a payment wrongly
// taken for declined is charged at the other processor at once, and none is set aside for 16 s.
const { world, random, book } = await openStage({
  front: false,
  environment: {
    POLICY: 'eager',
    RETRIES: '0',
    TIMEOUT_DEFAULT_MS: '150',
    TIMEOUT_FALLBACK_MS: '150',
  },
});

const faults: readonly Pick<Fault, 'kind' | 'status'>[] = [
  ...MISBEHAVIOURS.filter((kind) => kind !== 'status').map((kind) => ({ kind, status: 502 })),
  ...[502, 404, 201, 429].map((status) => ({ kind: 'status' as const, status })),
];

const befallen = async ({ levers }: Processor): Promise<number> => {
  const { posts, faultedAfterInsert } = await levers.attempts();
  return posts.faulted + faultedAfterInsert;
};

for (const { kind, status } of faults) {
  const name = kind === 'status' ? `status ${status}` : kind;
  test(`${name} loses and doubles nothing ${AGAIN}`, async () => {
    const clients = world.instances.map(({ client }) => client);
    for (const victims of [[world.default], world.processors]) {
      const seed = random.below(2 ** 31);
      const befallenBefore = await Promise.all(victims.map(befallen));
      for (const { levers } of victims) {
        const share = victims.length === 1 ? 1 : 0.7;
        await levers.setFault({ kind, status, share, seed, lookups: random.chance(0.3) });
      }
      await using load = new Load({ clients, random, book });
      await load.more(30);
      await load.stop();
      await waitUntil('the fault befell some', async () => {
        const [now] = await Promise.all(victims.map(befallen));
        return (now as number) > (befallenBefore[0] as number);
      });
      await heal(world.processors);
      await audit(world, book.accepted);
    }
  });
}

test(`a failing processor gets nothing, and two failing ones keep all waiting ${AGAIN}`, async () => {
  const clients = world.instances.map(({ client }) => client);
  const earlier = await chargedAt(world);
  await world.default.levers.setFailing(true);
  await using load = new Load({ clients, random, book });
  await load.more(30);
  await waitUntil('fallback gets them', async () => {
    return (await chargedAt(world)).fallback > earlier.fallback;
  });
  await world.fallback.levers.setFailing(true);
  await load.more(30);
  await load.stop();
  assert.equal((await chargedAt(world)).default, earlier.default);
  await heal(world.processors);
  await audit(world, book.accepted);
});
