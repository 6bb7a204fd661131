// An admin server on its socket and on a port with a token, under bytes that no good operator
// sends. Nothing crashes or hangs, no 5xx but those that are meant, no order is carried out, and no
// payment is taken.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { NetConnectOpts } from 'node:net';
import { after, before, test } from 'node:test';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { Client } from '../world/client.ts';
import { query } from '../world/database.ts';
import { freePort } from '../world/free-port.ts';
import { openWorld, type World } from '../world/world.ts';
import { nextCase } from './cases.ts';
import { oneOf } from './framing.ts';
import { nextOrder } from './orders.ts';
import { playAll, SECONDS, TIMEOUT } from './play-all.ts';

const TOKEN = '0123456789abcdef-secret';
const settled = { id: randomUUID(), cents: 1_990 };

const random = new Random();
let world: World;
let places: readonly NetConnectOpts[];

before(async () => {
  console.log(`SEED=${SEED} FUZZ_SECONDS=${SECONDS}`);
  world = await openWorld({ front: false });
  const instance = world.instance(0);
  const [path, port] = [`${instance.socketPath}.admin`, await freePort()];
  places = [{ path }, { host: '127.0.0.1', port }];
  await instance.kill('SIGTERM');
  await instance.restart({ ADMIN_LISTEN: `${path},127.0.0.1:${port}`, ADMIN_TOKEN: TOKEN });
  await instance.becomes('agreed');
  assert.equal((await world.client.pay(settled.id, '19.90')).status, 202);
  await audit(world, [settled]);
});
after(() => world.close());

test('whatever bytes come, the admin server lives, and carries out nothing', TIMEOUT, async () => {
  const known = { settled: settled.id, token: TOKEN };
  const played = await playAll(
    () => (random.chance(0.3) ? nextCase(random) : nextOrder(random, known)),
    () => oneOf(random, places),
  );
  const statuses = new Set(played.flatMap(({ answers }) => answers.map(({ status }) => status)));
  // Each refusal was met, so the fuzz got past the first check.
  for (const status of [200, 400, 401, 403, 404, 405, 409, 413, 415]) {
    assert.ok(statuses.has(status), `no answer was ${status} ${AGAIN}`);
  }
  assert.ok(!statuses.has(202));
  await audit(world, [settled]);
  for (const table of ['operator_actions', 'given_up']) {
    assert.deepEqual(await query(world.databaseUrl, `SELECT * FROM ${table}`), [], AGAIN);
  }
  assert.ok(world.instance(0).program.running);
  assert.equal(world.instance(0).said('fatal'), 0);
  const client = new Client((places[0] as { path: string }).path);
  assert.equal((await client.send('GET', '/ready')).status, 200);
  client.close();
  console.log(
    `${played.length} cases, statuses ${[...statuses].toSorted((a, b) => a - b).join(' ')}`,
  );
});
