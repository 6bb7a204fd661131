// SIGTERM while an instance starts: it ends with 0 at each stage, takes nothing that it would lose, and the next start goes on.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import type { Environment } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const accepted: AcceptedPayment[] = [];
const { world, random } = await openStage({ instances: 1 });
const instance = world.instance(0);
// Held in the journal over all these starts.
for (const { levers } of world.processors) await levers.setFailing(true);
for (let n = 0; n < 50; n++) {
  const id = idToText(random.id());
  assert.equal((await world.client.pay(id, '19.90')).status, 202);
  accepted.push({ id, cents: 1990 });
}
await instance.kill();

interface Stage {
  readonly name: string;
  readonly isReached: () => boolean;
  readonly environment?: Environment;
  /** Whether it may take payments at that stage. */
  readonly listens?: boolean;
}

const said = (event: string): (() => boolean) => {
  const sofar = instance.said(event);
  return () => instance.said(event) > sofar;
};

const STAGES: readonly (() => Stage)[] = [
  () => ({ name: 'before it touches anything', isReached: said('starting') }),
  () => {
    // So large that it takes a moment to be made.
    const path = `${instance.journalPath}.large`;
    const environment = { RING_SLOTS: '1000000', JOURNAL_PATH: path };
    return { name: 'making its journal', isReached: () => existsSync(path), environment };
  },
  () => ({ name: 'after its recovery', isReached: said('recovered') }),
  () => {
    const [path, environment] = [`${instance.journalPath}.new`, { REHEARSAL: '100000' }];
    const isReached = (): boolean => existsSync(`${instance.socketPath}.rehearsal`);
    return { name: 'rehearsing', isReached, environment: { ...environment, JOURNAL_PATH: path } };
  },
  () => {
    const environment = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' };
    const isReached = said('ledger unavailable');
    return { name: 'without a ledger', isReached, environment, listens: true };
  },
  () => ({ name: 'just listening', isReached: said('listening'), listens: true }),
];

test(`SIGTERM ends a start with 0 at each of its stages ${AGAIN}`, async (context) => {
  for (const make of STAGES) {
    const { name, isReached, environment = {}, listens = false } = make();
    await context.test(name, async (subtest) => {
      const isListening = said('listening');
      const isStopped = said('stopped');
      instance.start(environment);
      subtest.after(() => instance.program.running && instance.kill());
      await waitUntil(name, isReached, { everyMs: 1 });
      assert.equal(await instance.kill('SIGTERM'), 0, instance.program.lastWords());
      await waitUntil('it says so', isStopped);
      if (!listens) assert.equal(isListening(), false, 'it went on to listen');
      assert.equal(existsSync(`${instance.socketPath}.rehearsal`), false);
    });
  }
});

test(`SIGTERM at any moment after the spawn ends it with 0, from its first line on ${AGAIN}`, async () => {
  for (let delayMs = 0; delayMs < 500; delayMs += 25 + random.below(25)) {
    const hasStarted = said('starting');
    instance.start();
    await sleep(delayMs);
    const outcome = await instance.kill('SIGTERM');
    // Node itself ends by it while it loads itself: nothing of ours has run.
    if (outcome !== 0) assert.equal(outcome, 'SIGTERM', instance.program.lastWords());
    if (outcome !== 0) assert.equal(hasStarted(), false, `after ${delayMs} ms`);
  }
  await heal(world.processors);
  await instance.restart();
  await audit(world, accepted);
});
