// docker-compose.production.yml: an instance with its settings, as a role that owns no table. It
// takes, charges and records payments, and neither it nor who has its password can change what is
// recorded.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { Client } from '../world/client.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';
import { operate } from '../faults/operating.ts';

type Variables = Readonly<Record<string, string>>;

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly environment?: Variables;
        readonly command?: readonly string[];
        readonly volumes?: readonly unknown[];
      }
    >
  >;
}

const ROLE = 'repasse_instance';
const read = (path: string): Compose =>
  parse(readFileSync(path, 'utf8'), { merge: true, logLevel: 'error' }) as Compose;
const settingsIn = (path: string): Variables => read(path).services['api1']?.environment ?? {};
/** With the defaults of its variables; those that must be given are the test's own. */
const settings = Object.fromEntries(
  Object.entries({
    ...settingsIn('docker-compose.yml'),
    ...settingsIn('docker-compose.production.yml'),
  })
    .map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')] as const)
    .filter(([name, value]) => !/_URL$|_PATHS?$/.test(name) && !value.includes('${')),
);

let database: DatabaseServer;
let world: World;
/** As the instances. */
let url: string;

before(async () => {
  database = await DatabaseServer.start({ durable: true });
  world = await openWorld({ database });
  await query(world.databaseUrl, `CREATE ROLE ${ROLE} LOGIN`);
  url = world.databaseUrl.replace(/\/\/\w+@/, `//${ROLE}@`);
  const { code, words } = await operate(world, world.instance(0), 'tables', '--for', ROLE);
  assert.equal(code, 0, words);
  for (const instance of world.instances) {
    await instance.kill('SIGTERM');
    const ADMIN_LISTEN = `${instance.socketPath}.admin`;
    await instance.restart({ ...settings, DATABASE_URL: url, ADMIN_LISTEN });
    await instance.becomes('agreed');
  }
});
after(async () => {
  await world.close();
  await database.close();
});

test('the settings are those for real money', () => {
  const { ALLOW_PURGE, JOURNAL_SYNC, LEDGER_DURABILITY } = settings;
  assert.deepEqual(
    { ALLOW_PURGE, JOURNAL_SYNC, LEDGER_DURABILITY },
    { ALLOW_PURGE: '0', JOURNAL_SYNC: 'always', LEDGER_DURABILITY: 'require' },
  );
  assert.equal(settings['OUTCOMES_DEFAULT'], 'strict');
  assert.equal(settings['OUTCOMES_FALLBACK'], 'strict');
  const example = readFileSync('production.env.example', 'utf8');
  for (const [, name] of readFileSync('docker-compose.production.yml', 'utf8').matchAll(
    /\$\{(\w+):\?\}/g,
  )) {
    assert.match(example, new RegExp(`^${name}=`, 'm'));
  }
});

test('PostgreSQL archives its log with the script that the tests of backups use', () => {
  const { command = [], volumes = [] } =
    read('docker-compose.production.yml').services['postgres'] ?? {};
  const archive = 'archive_command=sh /backup/archive.sh "%p" "%f" /archive';
  for (const setting of ['wal_level=replica', 'archive_mode=on', 'archive_timeout=60', archive]) {
    assert.ok(command.includes(setting), setting);
  }
  assert.ok(volumes.includes('./docker/backup:/backup:ro'));
});

test('payments are charged and recorded, and nobody purges', async () => {
  const paid: AcceptedPayment[] = Array.from({ length: 50 }, () => ({
    id: randomUUID(),
    cents: 1_990,
  }));
  for (const { id } of paid) assert.equal((await world.client.pay(id, '19.90')).status, 202);
  await audit(world, paid);
  assert.equal((await world.client.send('POST', '/purge-payments')).status, 404);
  for (const instance of world.instances) assert.equal(instance.said('ledger unusable'), 0);
});

test('operators give up a payment as the same role', async () => {
  for (const { levers } of world.processors) await levers.setFailing(true);
  const admin = new Client(`${world.instance(0).socketPath}.admin`);
  const id = randomUUID();
  assert.equal((await world.client.pay(id, '19.90')).status, 202);
  const body = '{"actor":"ana","reason":"a test","mayBeCharged":true}';
  // While an attempt is under way it can't be given up.
  await waitUntil('it is given up', async () => {
    const { status } = await admin.send('POST', `/payments/${id}/give-up`, { body });
    assert.ok([200, 202, 409].includes(status), String(status));
    return status !== 409;
  });
  assert.equal((await admin.send('GET', '/actions')).status, 200);
  assert.equal((await admin.send('GET', '/anomalies')).status, 200);
  admin.close();
});

test('with the role of the instances nothing that is recorded is changed or deleted', async () => {
  for (const statement of [
    'TRUNCATE payments',
    'DELETE FROM payments',
    'DELETE FROM archived_payments',
    'INSERT INTO archived_payments TABLE payments',
    'INSERT INTO detached_months VALUES (now(), now())',
    'DELETE FROM detached_ids',
    'UPDATE payments SET amount_cents = 1',
    'DELETE FROM payment_sums',
    'DELETE FROM anomalies',
    'UPDATE operator_actions SET actor = $$x$$',
    'DELETE FROM given_up',
    'UPDATE ledger SET id = gen_random_uuid()',
    'UPDATE ledger SET instances = 1',
    'DELETE FROM instances',
    'DROP TABLE payments',
    'ALTER TABLE payments DISABLE TRIGGER ALL',
    'INSERT INTO ledger_steps (step) VALUES (99)',
  ]) {
    await assert.rejects(query(url, statement), /permission denied|must be owner/, statement);
  }
});

test('the role keeps no more than it needs, however often its rights are given', async () => {
  await query(world.databaseUrl, `GRANT ALL ON payments TO ${ROLE}`);
  const { code } = await operate(world, world.instance(0), 'tables', '--for', ROLE);
  assert.equal(code, 0);
  await assert.rejects(query(url, 'DELETE FROM payments'), /permission denied/);
  // As the pods of a cluster do that start together.
  const [first] = world.instances;
  assert.ok(first);
  const many = [1, 2, 3, 4].map(() => operate(world, first, 'tables', '--for', ROLE));
  for (const done of await Promise.all(many)) assert.equal(done.code, 0, done.words);
  const missing = await operate(world, world.instance(0), 'tables', '--for', 'nobody "here"');
  assert.equal(missing.code, 1);
  assert.match(missing.words, /role "nobody "here"" does not exist/);
});
