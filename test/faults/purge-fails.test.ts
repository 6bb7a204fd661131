// A purge that empties the instances and not the ledger: what was settled before it is still known to each of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const { world, random } = await openStage({ front: false, environment: { POLICY: 'eager' } });

test(`what was settled before a purge that failed isn't charged again ${AGAIN}`, async () => {
  const accepted = Array.from({ length: 20 }, () => ({ id: idToText(random.id()), cents: 1990 }));
  const payAll = (): Promise<number[]> =>
    Promise.all(
      accepted.map(
        async ({ id }, n) => (await world.instance(n % 2).client.pay(id, '19.90')).status,
      ),
    );
  const all202 = accepted.map(() => 202);
  // So that they are at fallback: default would know them again.
  await world.default.levers.setFailing(true);
  assert.deepEqual(await payAll(), all202);
  await audit(world, accepted);
  await world.default.levers.setFailing(false);

  const reader = new pg.Client({ connectionString: world.databaseUrl });
  await reader.connect();
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM payments');
  assert.equal((await world.instance(0).client.send('POST', '/purge-payments')).status, 503);
  await reader.end();

  // Refused until each of them has noticed that the purge is over.
  await waitUntil('all are taken', async () => (await payAll()).every((status) => status === 202));
  await audit(world, accepted);
});
