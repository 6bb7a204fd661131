// A purge of the whole system: whatever was accepted before it is gone, and nothing that was
// accepted after it, whoever asks for it, however long it takes, and whoever dies meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { heal } from '../../tools/soak/mischief.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit, chargedAt, type AcceptedPayment } from '../world/audit.ts';
import type { Client, Reply } from '../world/client.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { emptyBook, Load } from '../faults/load.ts';
import { openStage } from '../faults/stage.ts';

// An answer that is late is waited for, so that a purge has to wait too.
const { world, random } = await openStage({ environment: { TIMEOUT_SLACK_MS: '20000' } });

const everywhere = (): readonly Client[] => [
  world.client,
  ...world.instances.map(({ client }) => client),
];
const purgeAt = (client: Client): Promise<Reply> => client.send('POST', '/purge-payments');
const ownedBy = (instance: number): string => `${idToText(random.id()).slice(0, -1)}${instance}`;

async function accept(id: string, client: Client): Promise<AcceptedPayment> {
  const { status, body } = await client.pay(id, '19.90');
  assert.equal(status, 202, body);
  return { id, cents: 1990 };
}

/** No payment anywhere. */
async function wipe(): Promise<void> {
  await waitUntil('it is purged', async () => (await purgeAt(world.client)).status === 200);
  for (const { levers } of world.processors) await levers.purge();
}

/** Until its end nobody can empty the ledger, while rows can be read and written. */
async function holdLedger(): Promise<AsyncDisposable & { end(): Promise<void> }> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE payments IN ACCESS SHARE MODE');
  const end = async (): Promise<void> => client.end();
  return { end, [Symbol.asyncDispose]: end };
}

const isEmptying = async (): Promise<boolean> => {
  const [row] = await query<{ emptying: boolean }>(
    world.databaseUrl,
    `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%TRUNCATE%' AND wait_event_type = 'Lock') AS emptying`,
  );
  return row?.emptying === true;
};

test(`until the ledger is empty nobody takes a payment, and another purge is refused ${AGAIN}`, async () => {
  await wipe();
  const ids = [ownedBy(0), ownedBy(1)];
  await using lock = await holdLedger();
  const purging = purgeAt(world.instance(0).client);
  await waitUntil('the ledger is about to be emptied', isEmptying);
  const taken: AcceptedPayment[] = [];
  for (const client of everywhere()) {
    for (const id of ids) {
      const { status } = await client.pay(id, '19.90');
      if (status === 202) taken.push({ id, cents: 1990 });
      assert.equal(status, 503);
    }
    const { status, body, headers } = await purgeAt(client);
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '1');
    assert.match(body, /a purge is under way/);
  }
  await lock.end();
  assert.equal((await purging).status, 200);
  for (const id of ids) taken.push(await accept(id, world.client));
  await audit(world, taken);
});

test(`a purge may take longer than other answers, and happens once ${AGAIN}`, async () => {
  await wipe();
  for (const { levers } of world.processors) await levers.setDelay(6_500);
  const slow = [await accept(ownedBy(0), world.client), await accept(ownedBy(1), world.client)];
  const attempts = async (): Promise<number> => {
    const counts = await Promise.all(world.processors.map(({ levers }) => levers.attempts()));
    return counts.reduce((sum, { busy }) => sum + busy.atOnce, 0);
  };
  await waitUntil('both are at a processor', async () => (await attempts()) >= 2);
  const { status, body, latencyMs } = await purgeAt(world.client);
  assert.equal(status, 200, body);
  assert.ok(latencyMs > 5_000, 'it took long');
  await heal(world.processors);
  const later = await accept(ownedBy(0), world.client);
  await audit(world, [later], { forgotten: slow });
});

test(`an instance that starts during a purge accepts payments, and sends none before its end ${AGAIN}`, async () => {
  await wipe();
  const back = world.instance(1);
  await back.kill();
  const purge = await LedgerPurge.begin(world.databaseUrl, 2_000);
  assert.ok(purge !== 'busy');
  await back.restart();
  const taken = [await accept(ownedBy(1), back.client), await accept(ownedBy(1), back.client)];
  await waitUntil('they wait to be sent', async () => (await back.status()).queued === 2);
  const { queued } = await back.status();
  assert.deepEqual([queued, await chargedAt(world)], [2, { default: 0, fallback: 0 }]);
  await purge.end();
  await audit(world, taken);
});

for (const wait of ['for what is under way', 'for the ledger']) {
  test(`an instance that leads a purge and dies while it waits ${wait} leaves the other open ${AGAIN}`, async () => {
    await wipe();
    const [leader, other] = [world.instance(0), world.instance(1)];
    const taken: AcceptedPayment[] = [];
    await using lock = wait === 'for the ledger' ? await holdLedger() : undefined;
    if (lock === undefined) {
      for (const { levers } of world.processors) await levers.setDelay(2_000);
      taken.push(await accept(ownedBy(0), leader.client));
      await waitUntil('it is sent', async () => (await leader.status()).inFlight === 1);
    }
    const purging = purgeAt(leader.client).catch(() => {});
    const id = ownedBy(1);
    const isClosed = async (): Promise<boolean> => {
      const early = ownedBy(1);
      const { status } = await other.client.pay(early, '19.90');
      if (status === 202) taken.push({ id: early, cents: 1990 });
      return status === 503;
    };
    await waitUntil('the other one is closed', lock === undefined ? isClosed : isEmptying);
    assert.equal((await other.client.pay(id, '19.90')).status, 503);
    await leader.kill();
    await purging;
    taken.push(
      await waitUntil('the other one is open again', () => accept(id, other.client), {
        withinMs: 5_000,
      }),
    );
    await heal(world.processors);
    await leader.restart();
    taken.push(await accept(ownedBy(0), leader.client));
    await lock?.end();
    await audit(world, taken);
  });
}

test(`under load a purge removes all that was accepted before it and nothing that was accepted after it ${AGAIN}`, async () => {
  await wipe();
  const forgotten: AcceptedPayment[] = [];
  for (let round = 0; round < 4; round++) {
    const [earlier, later] = [emptyBook(), emptyBook()];
    await using early = new Load({ clients: everywhere(), random, book: earlier });
    await early.more(100);
    const replies = await Promise.all(everywhere().map(purgeAt));
    const statuses = replies.map(({ status }) => status);
    assert.ok(statuses.includes(200), JSON.stringify(replies));
    assert.ok(statuses.every((status) => status === 200 || status === 503));
    await using late = new Load({ clients: everywhere(), random, book: later });
    await early.stop();
    await late.more(100);
    await late.stop();
    forgotten.push(...earlier.accepted, ...earlier.maybe);
    await audit(world, later.accepted, { maybe: later.maybe, forgotten });
    forgotten.push(...later.accepted, ...later.maybe);
  }
});

test(`what was settled before a purge that failed isn't charged again ${AGAIN}`, async () => {
  await wipe();
  // While default fails, eager sends to fallback at once: default would know its own payments
  // again.
  for (const instance of world.instances) {
    await instance.kill();
    await instance.restart({ POLICY: 'eager' });
  }
  const accepted = Array.from({ length: 20 }, () => ({ id: idToText(random.id()), cents: 1990 }));
  const pay = ({ id }: AcceptedPayment, n: number): Promise<Reply> =>
    world.instance(n % 2).client.pay(id, '19.90');
  const payAll = async (): Promise<boolean> =>
    (await Promise.all(accepted.map(pay))).every(({ status }) => status === 202);
  await world.default.levers.setFailing(true);
  assert.ok(await payAll());
  await audit(world, accepted);
  assert.equal((await chargedAt(world)).fallback, accepted.length);
  await world.default.levers.setFailing(false);

  await using lock = await holdLedger();
  assert.equal((await purgeAt(world.instance(0).client)).status, 503);
  await lock.end();
  // Refused until each instance has noticed that the purge is over.
  await waitUntil('all are accepted', payAll);
  await audit(world, accepted);
});
