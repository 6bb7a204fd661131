// An instance with a used journal starts without a warm-up: only a new journal needs one.

import assert from 'node:assert/strict';
import { watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import type { Environment } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const { world, random } = await openStage({ instances: 1 });

/** Whether its start warms up: then a socket for that is seen. */
async function warmsUp(context: TestContext, environment: Environment): Promise<boolean> {
  const instance = world.instance(0);
  const directory = dirname(instance.socketPath);
  const seen = new Set<string | null>();
  const watcher = watch(directory, (_, name) => seen.add(name));
  context.after(() => watcher.close());
  await instance.restart(environment);
  // What happened before this one has been seen when this one is.
  writeFileSync(join(directory, 'last'), '');
  await waitUntil('the last change is seen', () => seen.has('last'));
  watcher.close();
  return [...seen].some((name) => name?.endsWith('~'));
}

test(`an instance warms up with a new journal, and not after a crash or a stop ${AGAIN}`, async (context) => {
  const instance = world.instance(0);
  const environment = { WARM_UP_PAYMENTS: '100', JOURNAL_PATH: `${instance.journalPath}.new` };
  await instance.kill('SIGTERM');
  assert.equal(await warmsUp(context, environment), true);
  const id = idToText(random.id());
  assert.equal((await world.client.pay(id, '19.90')).status, 202);
  await instance.kill();
  assert.equal(await warmsUp(context, environment), false);
  await audit(world, [{ id, cents: 1990 }]);
  assert.equal(await instance.kill('SIGTERM'), 0);
  assert.equal(await warmsUp(context, environment), false);
});
