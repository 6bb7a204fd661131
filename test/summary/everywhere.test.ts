// A summary from any instance has every payment that is charged by then, and no other.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { idToText, PROCESSORS } from '../../src/payment.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { audit, chargedAt, type AcceptedPayment } from '../world/audit.ts';
import type { Summary } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

/**
 * The processor may have a payment whose answer is still on its way: nobody has acknowledged that
 * one yet.
 */
const TRIES = 5;
const random = new Random();
let world: World;

before(async () => {
  console.log(`SEED=${SEED}`);
  // By themselves, rows would wait far longer than any summary here.
  const environment = { RING_SLOTS: '5000', BATCH_ROWS: '1000', BATCH_WAIT_MS: '10000' };
  world = await openWorld({ front: false, environment });
});
after(() => world.close());

async function setFailing(failing: boolean): Promise<void> {
  for (const { levers } of world.processors) await levers.setFailing(failing);
}

test(`a charged payment is in the summary of each instance at once, and not before ${AGAIN}`, async () => {
  const accepted: AcceptedPayment[] = [];
  const summed = async (instance: number): Promise<number> => {
    // On a slow machine it may be a 503: never a number without what is charged.
    const ask = (): Promise<Summary> => world.instance(instance).client.summary();
    const summary = await waitUntil('a summary is made', ask);
    return summary.default.totalRequests + summary.fallback.totalRequests;
  };
  for (const owner of PROCESSORS) {
    for (const asked of PROCESSORS) {
      let isThere = false;
      for (let n = 0; n < TRIES && !isThere; n++) {
        const id = `${idToText(random.id()).slice(0, -1)}${owner}`;
        await setFailing(true);
        assert.equal((await world.instance(owner).client.pay(id, '19.90')).status, 202);
        assert.ok((await summed(asked)) <= accepted.length, 'it is not charged yet');
        await setFailing(false);
        accepted.push({ id, cents: 1990 });
        await waitUntil('it is charged', async () => {
          const at = await chargedAt(world);
          return at.default + at.fallback === accepted.length;
        });
        isThere = (await summed(asked)) === accepted.length;
      }
      assert.ok(isThere, `instance ${asked} doesn't count what ${owner} has charged`);
    }
  }
  await audit(world, accepted);
});
