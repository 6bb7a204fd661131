// The admin server of an instance: metrics, whether it is alive and ready, and one payment by its
// id, whichever instance holds it.

import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

const random = new Random();
let world: World;
let admins: [Client, Client];

const socketOf = (number: 0 | 1): string => `${world.instance(number).socketPath}.admin`;

before(async () => {
  console.log(`SEED=${SEED}`);
  world = await openWorld({ gaps: true, environment: { RING_SLOTS: '5000' } });
  for (const number of [0, 1] as const) {
    await world.instance(number).kill('SIGTERM');
    await world.instance(number).restart({ ADMIN_LISTEN: socketOf(number) });
  }
  admins = [new Client(socketOf(0)), new Client(socketOf(1))];
});
after(async () => {
  for (const admin of admins) admin.close();
  await world.close();
});

const idOf = (owner: 0 | 1): string => `${idToText(random.id()).slice(0, -1)}${owner}`;

async function pay(id: string): Promise<void> {
  assert.equal((await world.client.pay(id, '19.90')).status, 202);
}

async function setFailing(failing: boolean): Promise<void> {
  for (const { levers } of world.processors) await levers.setFailing(failing);
}

async function statusOf(admin: Client, id: string): Promise<Record<string, unknown>> {
  const { status, body } = await admin.send('GET', `/payments/${id}`);
  assert.equal(status, 200, body);
  return JSON.parse(body) as Record<string, unknown>;
}

/** By name and labels as they are written. @throws for a line that is no metric */
async function metricsOf(admin: Client): Promise<ReadonlyMap<string, number>> {
  const { status, headers, body } = await admin.send('GET', '/metrics');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of body.trimEnd().split('\n')) {
    const [, kind, family = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (kind === 'TYPE') {
      assert.ok(!types.has(family), `${family} comes twice`);
      types.set(family, rest);
    }
    if (kind !== undefined) continue;
    const [, sample = '', value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
    assert.ok(sample !== '' && Number.isFinite(Number(value)), line);
    assert.ok(!samples.has(sample), `${sample} comes twice`);
    samples.set(sample, Number(value));
  }
  for (const [family, type] of types) {
    assert.equal(type === 'counter', family.endsWith('_total'), family);
  }
  return samples;
}

test('the admin socket is for its owner and group alone, and takes GET alone', async () => {
  assert.equal(statSync(socketOf(0)).mode & 0o777, 0o660);
  assert.equal((await admins[0].send('POST', '/metrics', { body: '{}' })).status, 405);
  assert.equal((await admins[0].send('GET', '/other')).status, 404);
});

test(`the metrics count what happened ${AGAIN}`, async () => {
  const before0 = await metricsOf(admins[0]);
  const ids = [idOf(0), idOf(0), idOf(0)];
  for (const id of ids) await pay(id);
  await pay(ids[0] as string);
  await waitUntil('all are recorded', async () => {
    const samples = await metricsOf(admins[0]);
    return samples.get('repasse_rows_recorded_total{processor="default"}') === 3;
  });
  const samples = await metricsOf(admins[0]);
  const grew = (name: string): number => (samples.get(name) ?? 0) - (before0.get(name) ?? 0);
  assert.equal(grew('repasse_answers_total{answer="accepted"}'), 3);
  assert.equal(grew('repasse_answers_total{answer="repeated"}'), 1);
  assert.equal(grew('repasse_attempts_total{processor="default",outcome="charged"}'), 3);
  assert.equal(grew('repasse_attempt_duration_seconds_count{processor="default"}'), 3);
  assert.equal(samples.get('repasse_ring_slots_used'), 0);
  assert.equal(samples.get('repasse_membership{state="agreed"}'), 1);
  assert.ok(grew('repasse_journal_writes_total') >= 9, 'hold, pin and release');
});

test(`a held payment is found from each instance, with where it stands ${AGAIN}`, async () => {
  await setFailing(true);
  for (const owner of [0, 1] as const) {
    const id = idOf(owner);
    await pay(id);
    for (const admin of admins) {
      const status = await statusOf(admin, id.toUpperCase());
      assert.equal(status['correlationId'], id);
      assert.equal(status['amountCents'], 1990);
      assert.equal(status['instance'], owner);
      // A payment that fails alone is set aside between its attempts, so each of three is right.
      assert.match(String(status['state']), /^(queued|at a processor|set aside)$/);
    }
    await setFailing(false);
    await waitUntil('it is settled', async () => {
      const status = await statusOf(admins[0], id);
      return status['state'] === 'settled' && typeof status['requestedAt'] === 'string';
    });
    await setFailing(true);
  }
  await setFailing(false);
});

test('an id that nobody has seen is a 404, and one that is no UUID a 400', async () => {
  assert.equal((await admins[0].send('GET', `/payments/${idOf(1)}`)).status, 404);
  const { status, body } = await admins[0].send('GET', '/payments/4711');
  assert.equal(status, 400);
  assert.equal((JSON.parse(body) as { field: string }).field, 'correlationId');
});

test('without the ledger the instance is ready and degraded; a payment that is not held is a 503', async () => {
  assert.deepEqual(JSON.parse((await admins[0].send('GET', '/ready')).body), {
    ready: true,
    degraded: [],
  });
  await world.gaps.database.refuse();
  world.gaps.database.reset();
  await world.instance(0).kill();
  await world.instance(0).restart({ ADMIN_LISTEN: socketOf(0) });
  const admin = new Client(socketOf(0));
  const { status, body } = await admin.send('GET', '/ready');
  assert.equal(status, 200);
  const { degraded } = JSON.parse(body) as { degraded: string[] };
  assert.ok(degraded.includes('the ledger has not agreed yet'));
  await waitUntil('the other instance notices', async () => {
    const ready = await admins[1].send('GET', '/ready');
    return ready.status === 200 && ready.body.includes('the ledger does not answer');
  });
  assert.equal((await admin.send('GET', `/payments/${idOf(0)}`)).status, 503);
  assert.equal((await admin.send('GET', '/live')).status, 200);
  admin.close();
  await world.gaps.database.accept();
  await world.instance(0).becomes('agreed');
});

test('what is at the admin path and is no free socket stays; payments are taken without the server', async () => {
  const file = `${socketOf(0)}.file`;
  writeFileSync(file, 'precious');
  for (const taken of [file, socketOf(1)]) {
    await world.instance(0).kill('SIGTERM');
    await world.instance(0).restart({ ADMIN_LISTEN: taken });
    const { setting } = await world.instance(0).latest('admin can not listen');
    assert.equal(setting, 'ADMIN_LISTEN');
    await pay(idOf(0));
  }
  assert.equal(readFileSync(file, 'utf8'), 'precious');
  assert.equal((await admins[1].send('GET', '/live')).status, 200);
});

test('a port serves as well, and more questions than a bound are refused', async () => {
  const port = await freePort();
  await world.instance(0).kill('SIGTERM');
  await world.instance(0).restart({ ADMIN_LISTEN: `127.0.0.1:${port}` });
  await world.instance(0).becomes('agreed');
  const admin = new Client(`http://127.0.0.1:${port}`);
  const ask = async (): Promise<number> => (await admin.send('GET', `/payments/${idOf(1)}`)).status;
  await waitUntil('the ledger can be asked', async () => (await ask()) === 404);
  // While the other instance hangs, a question lasts.
  world.instance(1).program.signal('SIGSTOP');
  const path = `/payments/${idOf(1)}`;
  const questions = Array.from({ length: 60 }, () => admin.send('GET', path));
  const refused = (await Promise.all(questions)).filter(({ body }) => body.includes('too many'));
  world.instance(1).program.signal('SIGCONT');
  assert.ok(refused.length > 0 && refused.every(({ status }) => status === 503));
  await waitUntil('there is room again', async () => (await ask()) === 404);
  admin.close();
});
