// A system that runs: payments under way are no differences, a ledger that was restored is repaired
// whole, also by a repair that is killed, and what was repaired is never charged again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decimalFromCents } from '../../src/cents.ts';
import { idToText } from '../../src/payment.ts';
import { Random } from '../buffer/seed.ts';
import { audit, chargedAt } from '../world/audit.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World, type WorldOptions } from '../world/world.ts';
import { environmentOf, reconcile, RECONCILE, REPAIR, type Reconciled } from './books-fixture.ts';
import { openFront } from './processor-front.ts';
import { Program } from '../world/program.ts';

const random = new Random();
let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

interface Payment {
  readonly id: string;
  readonly cents: number;
}

/** Sends payments; resolves with those that were accepted. */
async function pay(world: World, count: number): Promise<Payment[]> {
  const payments = Array.from({ length: count }, () => {
    return { id: idToText(random.id()), cents: 1 + random.below(10_000) };
  });
  const answers = await Promise.all(
    payments.map(({ id, cents }) => world.client.pay(id, decimalFromCents(cents))),
  );
  return payments.filter((_, n) => answers[n]?.status === 202);
}

function run(world: World, ...words: readonly string[]): Promise<Reconciled> {
  const admin = { ADMIN_LISTEN: `${world.instance(0).socketPath}-admin` };
  return reconcile({ ...environmentOf(world), ...admin }, '--json', ...words);
}

async function open(options: WorldOptions = {}): Promise<World> {
  const world = await openWorld({ database: server, front: false, instances: 1, ...options });
  // Each instance needs an address of its own.
  for (const instance of world.instances) {
    await instance.kill('SIGTERM');
    await instance.restart({ ADMIN_LISTEN: `${instance.socketPath}-admin` });
  }
  await waitUntil('the summary is there', () => world.client.summary());
  return world;
}

test('a system under load shows no difference', async (context) => {
  await using world = await open();
  const fronts = await Promise.all(world.processors.map(({ url }) => openFront(url, context)));
  // Answers are lost, so outcomes are unknown for a while.
  await world.default.levers.setFault({ kind: 'drop-after-insert', share: 0.05 });
  const accepted: Payment[] = [];
  const load = { isOver: false };
  const loading = (async () => {
    while (!load.isOver) {
      accepted.push(...(await pay(world, 20)));
      await sleep(100);
    }
  })();
  try {
    await waitUntil('there are payments', () => accepted.length > 200);
    for (const margin of ['0', '2']) {
      // With the processors' lists, and row by row.
      for (const processors of [world.processors, fronts]) {
        const admin = { ADMIN_LISTEN: `${world.instance(0).socketPath}-admin` };
        const environment = environmentOf({ databaseUrl: world.databaseUrl, processors });
        const words = ['--json', '--both', '--rate', '10000', '--margin', margin];
        const { code, printed, output } = await reconcile({ ...environment, ...admin }, ...words);
        assert.deepEqual(printed?.differences, [], output);
        assert.deepEqual(printed.notCompared, []);
        assert.equal(code, 0, output);
      }
    }
  } finally {
    load.isOver = true;
    await loading;
  }
  await audit(world, accepted);
});

test('a payment that an instance holds is under way', async () => {
  await using world = await open({ gaps: true });
  const accepted = await pay(world, 5);
  await audit(world, accepted);
  // It is charged, and the instance can't learn that: its outcome stays unknown.
  await world.default.levers.setFault({ kind: 'drop-after-insert', lookups: true });
  accepted.push(...(await pay(world, 1)));
  const id = accepted.at(-1)?.id as string;
  await waitUntil('it is charged', async () =>
    (await world.default.levers.payments()).some(({ correlationId }) => correlationId === id),
  );
  world.gaps.default.blackHole('requests');
  await world.default.levers.setFault({ kind: 'none' });
  const { code, printed, output } = await run(world, '--margin', '0');
  assert.deepEqual(printed?.underWay, [id], output);
  assert.deepEqual(printed.differences, []);
  assert.equal(code, 0);
  // The API has no such answers, and its 404 doesn't mean that nobody holds the payment.
  const api = { ADMIN_LISTEN: world.instance(0).socketPath };
  const asked = await reconcile({ ...environmentOf(world), ...api }, '--json', '--margin', '0');
  assert.match(asked.printed?.notCompared.join() ?? '', /no instance can say whether one holds 1 /);
  world.gaps.default.release();
  await audit(world, accepted);
});

test('a ledger that was restored is repaired whole, and nothing is charged again', async () => {
  await using world = await open();
  const kept = await pay(world, 50);
  await audit(world, kept);
  await query(world.databaseUrl, 'CREATE TABLE saved AS TABLE payments');
  const lost = await pay(world, 400);
  await audit(world, [...kept, ...lost]);
  const charged = await chargedAt(world);
  // The instance starts with a new journal and a ledger that has never heard of these payments.
  await world.instance(0).kill('SIGTERM');
  await query(
    world.databaseUrl,
    `TRUNCATE payments, batch_sums, payment_sums;
     INSERT INTO payments TABLE saved;
     INSERT INTO batch_sums SELECT processor, date_trunc('second', requested_at), count(*),
       sum(amount_cents) FROM saved GROUP BY 1, 2;
     TRUNCATE instances; DROP TABLE saved`,
  );
  const journal = `${world.instance(0).journalPath}-new`;
  const admin = `${world.instance(0).socketPath}-admin`;
  await world.instance(0).restart({ JOURNAL_PATH: journal, ADMIN_LISTEN: admin });
  await waitUntil('the summary is there', () => world.client.summary());

  // Killed at a moment in the middle, and run again.
  const command = new Program(RECONCILE, ['--margin', '0', ...REPAIR]);
  command.start(environmentOf(world));
  const some = 20 + random.below(200);
  await waitUntil('some are repaired', () => command.lines.filter(isRepaired).length > some);
  await command.kill();
  const repaired = await countOf(world);
  assert.ok(repaired > 50 && repaired < 450, String(repaired));
  const { code, output } = await run(world, '--margin', '0', ...REPAIR);
  assert.equal(code, 0, output);
  assert.equal(await countOf(world), 450);
  const notes = await query(
    world.databaseUrl,
    'SELECT DISTINCT correlation_id FROM operator_actions',
  );
  assert.equal(notes.length, 400, 'each is noted, and noted once');
  const all = await query(world.databaseUrl, 'SELECT correlation_id FROM operator_actions');
  assert.equal(all.length, 400);

  // All come again: they are known, with their amounts. New ones would go to the fallback.
  await world.default.levers.setFailing(true);
  for (const { id, cents } of lost) {
    const amount = decimalFromCents(cents);
    assert.equal((await world.client.pay(id.toUpperCase(), amount)).status, 202);
    assert.equal((await world.client.pay(id, decimalFromCents(cents + 1))).status, 409);
  }
  await world.default.levers.setFailing(false);
  await audit(world, [...kept, ...lost]);
  assert.deepEqual(await chargedAt(world), charged);
});

const isRepaired = (line: string): boolean => line.startsWith('repaired: missing in the ledger');

async function countOf({ databaseUrl }: World): Promise<number> {
  const [row] = await query<{ n: number }>(databaseUrl, 'SELECT count(*)::int AS n FROM payments');
  return row?.n ?? 0;
}
