// An instance that was there before is back at once: it rehearses only before the first payments of its journal.

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

/** Whether its start rehearses: then a socket for that is seen. */
async function rehearses(context: TestContext, environment: Environment): Promise<boolean> {
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
  return [...seen].some((name) => name?.endsWith('.rehearsal'));
}

test(`with a new journal it rehearses, after a crash or a stop it does not ${AGAIN}`, async (context) => {
  const instance = world.instance(0);
  const environment = { REHEARSAL: '100', JOURNAL_PATH: `${instance.journalPath}.new` };
  await instance.kill('SIGTERM');
  assert.equal(await rehearses(context, environment), true);
  const id = idToText(random.id());
  assert.equal((await world.client.pay(id, '19.90')).status, 202);
  await instance.kill();
  assert.equal(await rehearses(context, environment), false);
  await audit(world, [{ id, cents: 1990 }]);
  assert.equal(await instance.kill('SIGTERM'), 0);
  assert.equal(await rehearses(context, environment), false);
});
