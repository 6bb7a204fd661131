// Instances that disagree about who is who: the one that is contradicted accepts and sends nothing
// and says why, the other goes on, and no payment belongs to two of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openPair } from './pair.ts';

const { world, random, first, second, settled, payBoth, refuses } = await openPair();

const reversed = [second, first].map(({ socketPath }) => socketPath).join(',');
const three = [first, second]
  .map(({ socketPath }) => socketPath)
  .concat(`${first.socketPath}.third`)
  .join(',');

test(`with another order of PEER_SOCKET_PATHS an instance does not start with the journal of its place ${AGAIN}`, async () => {
  assert.equal(await second.kill('SIGTERM'), 0);
  second.start({ PEER_SOCKET_PATHS: reversed });
  assert.equal(await second.program.ended(), 2);
  assert.match(second.program.lastWords(), /instance 1 of 2 .* PEER_SOCKET_PATHS .* 0 of 2/);
  await second.restart();
  await second.becomes('agreed');
});

test(`with another journal it takes and sends nothing, and no id belongs to two ${AGAIN}`, async () => {
  assert.equal(await second.kill('SIGTERM'), 0);
  const environment = {
    PEER_SOCKET_PATHS: reversed,
    JOURNAL_PATH: `${second.journalPath}.reversed`,
  };
  await second.restart(environment);
  await second.becomes('disagreed');
  await refuses(second.client, /the ledger knows another journal of this instance/);
  const said = await second.latest('disagreement');
  assert.equal(said['level'], 'error');
  assert.match(String(said['there']), /journal 0\.\d+, running/);
  await payBoth(10);
  await first.becomes('agreed');
  assert.equal(await second.kill('SIGTERM'), 0);
  await second.restart();
  await second.becomes('agreed');
  await settled();
});

test(`two instances with different orders at once: at most one takes an id ${AGAIN}`, async () => {
  for (const instance of [first, second]) assert.equal(await instance.kill('SIGTERM'), 0);
  await second.restart({
    PEER_SOCKET_PATHS: reversed,
    JOURNAL_PATH: `${second.journalPath}.again`,
  });
  await second.becomes('agreed');
  await first.restart();
  await first.becomes('disagreed');
  await payBoth(10, 0);
  await settled();
  assert.equal(await second.kill('SIGTERM'), 0);
  await second.restart();
  for (const instance of [first, second]) await instance.becomes('agreed');
  await settled();
});

test(`another number of instances than the ledger's: refused while something is held, else barred ${AGAIN}`, async () => {
  for (const { levers } of world.processors) await levers.setFailing(true);
  await payBoth(3, 0);
  await first.kill();
  first.start({ PEER_SOCKET_PATHS: three });
  assert.equal(await first.program.ended(), 2);
  assert.match(first.program.lastWords(), /holds \d+ payments, by PEER_SOCKET_PATHS or SHARDS/);
  for (const { levers } of world.processors) await levers.setFailing(false);
  await first.restart();
  await settled();
  assert.equal(await first.kill('SIGTERM'), 0);

  await first.restart({ PEER_SOCKET_PATHS: three });
  await first.becomes('disagreed');
  await waitUntil(
    'it says so',
    async () => (await first.latest('disagreement'))['there'] === 'ledger: 2 instances',
  );
  await refuses(first.client, /another number of instances/);
  assert.equal(await first.kill('SIGTERM'), 0);
  await first.restart();
  await first.becomes('agreed');
});

test(`two instances with a ledger each: both stop, until they have the same one ${AGAIN}`, async () => {
  assert.equal(await second.kill('SIGTERM'), 0);
  const environment = {
    DATABASE_URL: await world.database.createDatabase(),
    JOURNAL_PATH: `${second.journalPath}.elsewhere`,
  };
  await second.restart(environment);
  for (const instance of [first, second]) {
    await instance.becomes('disagreed');
    await refuses(instance.client, /another instance says that it has another place or ledger/);
    await waitUntil('it says so', async () => {
      const { here, there } = await instance.latest('disagreement');
      const isExpected = /PEER_SOCKET_PATHS: it is instance \d of 2, ledger \w/.test(String(here));
      return isExpected && /it says: instance \d of 2, ledger \w/.test(String(there));
    });
  }
  await second.kill();
  await first.becomes('agreed');
  await second.restart();
  await second.becomes('agreed');
  await settled();
});

test(`what is meant for another instance than this one is refused ${AGAIN}`, async () => {
  const body = `{"correlationId":"${idToText(random.id())}","amount":1.00}`;
  const others = ['', '?instance=1&instances=2', '?instance=0&instances=3'];
  for (const meant of [...others, '?instance=1&instances=2&in-doubt', '?in-doubt']) {
    const { status } = await first.client.send('POST', `/internal/payments${meant}`, { body });
    assert.equal(status, 421, meant);
  }
  const flushes = { '?instance=1&instances=2': 421, '?instance=0&instances=2': 202, '': 202 };
  for (const [meant, expected] of Object.entries(flushes)) {
    const { status } = await first.client.send('POST', `/internal/flush${meant}`);
    assert.equal(status, expected, meant);
  }
  const steps = ['hold-still', 'freeze', 'forget'];
  for (const meant of ['', '?5', '?instance=1&instances=2&purge=5', '?instance=0&instances=2']) {
    for (const step of steps) {
      const { status } = await first.client.send('POST', `/internal/${step}${meant}`);
      assert.equal(status, 421, `${step} ${meant}`);
    }
  }
  // No purge is under way that it holds still for.
  const asked = await first.client.send('POST', '/internal/freeze?instance=0&instances=2&purge=5');
  assert.equal(asked.status, 503);
});

test(`the log says when clients begin to be refused for a change, and when that is over ${AGAIN}`, async () => {
  await query(world.databaseUrl, `UPDATE ledger SET drain_until = now() + interval '1 min'`);
  await waitUntil('it says so', () => first.said('draining') === 1);
  assert.equal((await first.latest('draining'))['level'], 'warn');
  await query(world.databaseUrl, `UPDATE ledger SET drain_until = '-infinity'`);
  await waitUntil('it says so', () => first.said('draining is over') === 1);
});

test(`the log says that the register can't be read, and the place stays locked meanwhile ${AGAIN}`, async () => {
  const locks = (): Promise<unknown> =>
    query(world.databaseUrl, `SELECT pid FROM pg_locks WHERE classid = 7200328 ORDER BY pid`);
  const before = await locks();
  await query(world.databaseUrl, 'ALTER TABLE instances RENAME TO renamed');
  const event = 'ledger unavailable for the place';
  await waitUntil('it says so', () => first.said(event) === 1);
  const { level, setting, cause } = await first.latest(event);
  assert.deepEqual([level, setting], ['warn', 'DATABASE_URL']);
  assert.match(String(cause), /a table is missing/);
  assert.deepEqual(await locks(), before);
  await query(world.databaseUrl, 'ALTER TABLE renamed RENAME TO instances');
  await waitUntil('it says so', () => first.said('ledger available for the place') === 1);
  assert.deepEqual(await locks(), before);
});
