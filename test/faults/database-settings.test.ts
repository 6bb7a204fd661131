// Other settings of the database, its administrator or the environment neither lose a row nor lead
// a driver to another database. While the ledger can't record, payments are accepted and none is
// charged.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { AGAIN } from '../buffer/seed.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({ front: false });
const clients = world.instances.map(({ client }) => client);
const database = new URL(world.databaseUrl).pathname.slice(1);

const auditAll = (): Promise<void> => audit(world, book.accepted, { maybe: book.maybe });

async function restartAll(environment: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const instance of world.instances) {
    await instance.kill('SIGTERM');
    await instance.restart(environment);
  }
}

/** One payment to each instance in turn; they are accepted. */
async function pay(count: number): Promise<AcceptedPayment[]> {
  const payments = Array.from({ length: count }, () => ({ id: randomUUID(), cents: 1990 }));
  for (const payment of payments) {
    const owner = world.instance(Number(`0x${payment.id.at(-1)}`) % world.instances.length);
    assert.equal((await owner.client.pay(payment.id, '19.90')).status, 202);
  }
  book.accepted.push(...payments);
  return payments;
}

async function noneIsCharged(payments: readonly AcceptedPayment[]): Promise<void> {
  const charged = [
    ...(await world.default.levers.payments()),
    ...(await world.fallback.levers.payments()),
  ].map(({ correlationId }) => correlationId);
  assert.deepEqual(
    payments.filter(({ id }) => charged.includes(id)),
    [],
  );
}

test(`a trigger that changes a sum: payments are taken, none is charged, the log names it ${AGAIN}`, async () => {
  await query(
    world.databaseUrl,
    `CREATE FUNCTION round_up() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN NEW.amount_cents = NEW.amount_cents + 1; RETURN NEW; END $$;
     CREATE TRIGGER rounding BEFORE INSERT OR UPDATE ON payment_sums
       FOR EACH ROW EXECUTE FUNCTION round_up()`,
  );
  await restartAll();
  const payments = await pay(20);
  await waitUntil('each names it', () =>
    world.instances.every(({ lines }) =>
      lines.some((line) => /"level":"error".*trigger rounding.*ledger unusable/.test(line)),
    ),
  );
  await noneIsCharged(payments);
  await query(world.databaseUrl, 'DROP TRIGGER rounding ON payment_sums');
  await auditAll();
});

test(`with synchronous_commit=off in the database, kill -9 of PostgreSQL loses no row ${AGAIN}`, async () => {
  await query(world.databaseUrl, `ALTER DATABASE ${database} SET synchronous_commit = off`);
  await restartAll();
  await using load = new Load({ clients, random, book });
  for (let kill = 0; kill < 3; kill++) {
    await load.more(100);
    await world.database.kill();
    await world.database.restart();
  }
  await load.stop();
  await auditAll();
  assert.ok(world.instances.every((instance) => instance.said('ledger settings overridden') > 0));
  await query(world.databaseUrl, `ALTER DATABASE ${database} RESET synchronous_commit`);
});

test(`while a VACUUM has its lock an instance starts, and another one records ${AGAIN}`, async (context) => {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  client.on('error', () => {});
  await client.connect();
  context.after(() => client.end());
  await client.query('BEGIN');
  await client.query('LOCK TABLE payments IN SHARE UPDATE EXCLUSIVE MODE');
  await using load = new Load({ clients, random, book });
  await load.more(20);
  const before = world.instance(0).said('ledger ready');
  await world.instance(0).kill('SIGTERM');
  await world.instance(0).restart();
  await waitUntil('it has its ledger', () => world.instance(0).said('ledger ready') > before);
  await load.more(50);
  await load.stop();
  await auditAll();
  await client.query('COMMIT');
});

test(`PG* variables neither break nor divert a driver ${AGAIN}`, async () => {
  await restartAll({
    PGHOST: '203.0.113.1',
    PGHOSTADDR: '203.0.113.1',
    PGPORT: '1',
    PGUSER: 'nobody',
    PGPASSWORD: 'nothing',
    PGDATABASE: 'nowhere',
    PGSERVICE: 'nowhere',
    PGSERVICEFILE: '/nowhere',
    PGPASSFILE: '/nowhere',
    PGOPTIONS: '-c nonsense=1',
    PGSSLMODE: 'require',
    PGSSLNEGOTIATION: 'direct',
    PGGSSENCMODE: 'require',
    PGCHANNELBINDING: 'require',
    PGREQUIREPEER: 'nobody',
    PGREQUIREAUTH: 'scram-sha-256',
    PGTARGETSESSIONATTRS: 'standby',
    PGCLIENTENCODING: 'nonsense',
    PGDATESTYLE: 'nonsense',
    PGTZ: 'nonsense',
    NODE_PG_FORCE_NATIVE: '1',
  });
  await pay(20);
  await auditAll();
});

test(`a user who may read and not record: payments are taken, none is charged, the log says why ${AGAIN}`, async () => {
  await query(
    world.databaseUrl,
    'CREATE ROLE clerk LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk',
  );
  await restartAll({ DATABASE_URL: world.databaseUrl.replace('repasse@', 'clerk@') });
  const payments = await pay(20);
  await waitUntil('each says why not', () =>
    world.instances.every((instance) => instance.said('ledger unusable') > 0),
  );
  const last = world.instance(0).lines.findLast((line) => line.includes('ledger unusable'));
  assert.match(String(last), /"level":"error".*DATABASE_URL.*lacks a right.*denied.*payments/);
  for (const instance of world.instances) {
    const summary = await instance.client.send('GET', '/payments-summary');
    assert.equal(summary.status, 503, 'a summary is not told');
    const { held, verifying } = await instance.status();
    assert.equal(verifying, held, 'all are held, and wait for the ledger');
  }
  await noneIsCharged(payments);
  await query(world.databaseUrl, 'GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk');
  await auditAll();
});
