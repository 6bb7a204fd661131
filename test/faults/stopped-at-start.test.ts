// SIGTERM while an instance starts: at each stage it ends with 0 and loses nothing, and the next
// start goes on.

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
import type { Stage } from './sigterm-at.ts';
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

const SIGTERM_AT = new URL('./sigterm-at.js', import.meta.url).href;

const said = (event: string): (() => boolean) => {
  const sofar = instance.said(event);
  return () => instance.said(event) > sofar;
};

interface Ending {
  readonly environment?: Environment;
  /** What it doesn't get to. Without one it may take payments already. */
  readonly neverSays?: string;
}

const ENDINGS: Readonly<Record<Stage, Ending>> = {
  'before it touches anything': { neverSays: 'recovered' },
  'making its journal': {
    environment: { JOURNAL_PATH: `${instance.journalPath}.new` },
    neverSays: 'listening',
  },
  'after its recovery': { neverSays: 'listening' },
  'warming up': {
    environment: { JOURNAL_PATH: `${instance.journalPath}.other`, WARM_UP_PAYMENTS: '100000' },
    neverSays: 'listening',
  },
  'without a ledger': {
    environment: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' },
  },
  'just listening': {},
};

test(`SIGTERM ends a start with 0 at each of its stages ${AGAIN}`, async (context) => {
  for (const [stage, { environment, neverSays = 'nothing' }] of Object.entries(ENDINGS)) {
    await context.test(stage, async (subtest) => {
      const wentOn = said(neverSays);
      const isStopped = said('stopped');
      instance.start({
        ...environment,
        NODE_OPTIONS: `--import ${SIGTERM_AT}`,
        SIGTERM_AT: stage,
      });
      subtest.after(() => instance.program.running && instance.kill());
      assert.equal(await instance.program.ended(), 0, instance.program.lastWords());
      await waitUntil('it says so', isStopped);
      assert.equal(wentOn(), false, `it went on to say ${neverSays}`);
      assert.equal(existsSync(`${instance.socketPath}~`), false);
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
