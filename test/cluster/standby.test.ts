// Commits that wait for a standby: without one no payment gets a 202, and the shards stay with
// their owners. When it is back, what waited is settled once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { Load } from '../faults/load.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openCluster, shardsOf } from './shards.ts';

const { world, random, book, spare } = await openCluster(2, {
  environment: { LEDGER_TIMEOUT_MS: '1000' },
});
const { databaseUrl } = world;

/** With '*' commits wait for a standby that isn't there. */
async function waitForStandby(names: '' | '*'): Promise<void> {
  await query(databaseUrl, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await query(databaseUrl, 'SELECT pg_reload_conf()');
  await waitUntil('the server knows', async () => {
    const [row] = await query<{ names: string }>(
      databaseUrl,
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    return row?.names === names;
  });
}

test('that no commit waits for a standby is in the log', async () => {
  const { instances } = world;
  const event = 'commits are on one disk';
  await waitUntil('both have said it', () => instances.every((one) => one.said(event) === 1));
});

test(`without the standby nothing is accepted, and no shard moves ${AGAIN}`, async () => {
  spare.start();
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(60);
  const before = await shardsOf(world);
  await waitForStandby('*');
  await load.answered(503, 20);
  const told = book.accepted.length;
  // Longer than an owner may be silent: the heartbeats go on.
  const [instance] = world.instances;
  await waitUntil('it is late', () => (instance?.said('journal is late') ?? 0) > 0);
  await load.answered(503, 600);
  assert.equal(book.accepted.length, told, 'no 202 is false');
  assert.match([...load.refusals].join(), /the journal is behind/);
  await waitForStandby('');
  await load.more(60);
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
  assert.deepEqual(await shardsOf(world), before);
  assert.equal(spare.said('shard taken'), 0);
});

test(`a wait that somebody cancels is no commit ${AGAIN}`, async () => {
  await waitForStandby('*');
  const id = '00000000-0000-4000-8000-00000000000a';
  const paid = world.client.pay(id, '1.00');
  const cancelled = waitUntil('a wait is cancelled', async () => {
    const rows = await query(
      databaseUrl,
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
       WHERE wait_event = 'SyncRep' AND application_name LIKE 'repasse-shard-%'`,
    );
    return rows.length > 0;
  });
  const { status, headers } = await paid;
  assert.deepEqual([status, headers['retry-after']], [503, '5']);
  await cancelled;
  await waitForStandby('');
  await waitUntil(
    'it is accepted',
    async () => (await world.client.pay(id, '1.00')).status === 202,
  );
  book.accepted.push({ id, cents: 100 });
  await audit(world, book.accepted, { maybe: book.maybe });
});
