// Instances that don't agree on who is who: whoever is contradicted takes and sends nothing and says why, the other goes on, and no
// payment belongs to two of them.

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { idToText, ownerOf } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { Client } from '../world/client.ts';
import { query } from '../world/database.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { elsewhere, operate } from './operating.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({ front: false });
const [first, second] = [world.instance(0), world.instance(1)];

const reversed = [second, first].map(({ socketPath }) => socketPath).join(',');
const three = [first, second]
  .map(({ socketPath }) => socketPath)
  .concat(`${first.socketPath}.third`)
  .join(',');

const settled = (): Promise<void> => audit(world, book.accepted, { maybe: book.maybe });

/** Posts new ids to both, the same to each, twice: of any owner, or of one. */
async function payBoth(count: number, owner?: number): Promise<void> {
  const clients = [first.client, second.client];
  for (let n = 0; n < count;) {
    const words = random.id();
    if (owner !== undefined && ownerOf(words, 2) !== owner) continue;
    n++;
    const id = idToText(words);
    for (const client of [...clients, ...clients]) {
      const status = await client.pay(id, '19.90').then(
        (reply) => reply.status,
        () => 0,
      );
      (status === 202 ? book.accepted : book.maybe).push({ id, cents: 1990 });
    }
  }
}

async function refuses(client: Client, reason: RegExp): Promise<void> {
  const { status, headers, body } = await client.pay(idToText(random.id()), '1.00');
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.match(body, reason);
}

test(`another order of PEER_SOCKET_PATHS is no start with the journal of this place ${AGAIN}`, async () => {
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
  const said = await waitUntil('it says so', () => second.latest('disagreement'));
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
  assert.match(first.program.lastWords(), /holds \d+ payments, PEER_SOCKET_PATHS/);
  for (const { levers } of world.processors) await levers.setFailing(false);
  await first.restart();
  await settled();
  assert.equal(await first.kill('SIGTERM'), 0);

  await first.restart({ PEER_SOCKET_PATHS: three });
  await first.becomes('disagreed');
  await waitUntil(
    'it says so',
    () => first.latest('disagreement')['there'] === 'ledger: 2 instances',
  );
  await refuses(first.client, /another number of instances/);
  assert.equal(await first.kill('SIGTERM'), 0);
  await first.restart();
  await first.becomes('agreed');
});

test(`a second copy of an instance stays out, and its writer goes on ${AGAIN}`, async (context) => {
  const copy = new Program(new URL('../../src/main.js', import.meta.url));
  const settings = elsewhere(world, first);
  const client = new Client(settings['SOCKET_PATH'] as string);
  context.after(() => copy.running && copy.kill());
  after(() => client.close());
  const lost = first.said('ledger unavailable');
  {
    await using load = new Load({ clients: [first.client, second.client], random, book });
    await load.more(50);
    copy.start(settings);
    const isBarred = (): boolean => copy.lines.some((line) => line.includes('"disagreement"'));
    await waitUntil('it says so', isBarred);
    await refuses(client, /the ledger knows another journal of this instance/);
    await load.more(50);
    await copy.kill();

    // With a copy of the journal as it was a while ago.
    copyFileSync(first.journalPath, settings['JOURNAL_PATH'] as string);
    await raiseMark();
    copy.start(settings);
    await waitUntil('it stays out', () => saysOf(copy, /the journal is an older copy/));
    await refuses(client, /the journal is an older copy/);
    await load.more(50);
    await load.stop();
  }
  assert.equal(first.said('ledger unavailable'), lost);
  await first.becomes('agreed');
  await copy.kill();
  await settled();
});

const MARK = 'SELECT mark FROM instances WHERE instance = 0';
/** As the operator's command does: marks are raised at each look then. */
const DRAIN = `UPDATE ledger SET drain_until = now() + interval '1 min'`;
const DRAIN_NO_MORE = `UPDATE ledger SET drain_until = '-infinity'`;

/** Until the first instance has written a later mark, and one more. */
async function raiseMark(): Promise<void> {
  const [entry] = await query<{ mark: string }>(world.databaseUrl, MARK);
  await query(world.databaseUrl, DRAIN);
  await waitUntil('there is a later mark', async () => {
    const [now] = await query<{ mark: string }>(world.databaseUrl, MARK);
    return Number(now?.mark) > Number(entry?.mark) + 1;
  });
  await query(world.databaseUrl, DRAIN_NO_MORE);
}

const saysOf = (copy: Program, reason: RegExp): boolean =>
  copy.lines.some((line) => line.includes('"disagreement"') && reason.test(line));

const LOCKED = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 0 AND classid = 7200328`;

for (const age of ['fresh', 'older'] as const) {
  test(`a running instance keeps its place from ${age === 'fresh' ? 'a fresh' : 'an older'} copy of its journal, also when PostgreSQL restarts ${AGAIN}`, async (context) => {
    const copy = new Program(new URL('../../src/main.js', import.meta.url));
    const settings = elsewhere(world, first);
    const client = new Client(settings['SOCKET_PATH'] as string);
    context.after(async () => {
      client.close();
      first.program.signal('SIGCONT');
      if (copy.running) await copy.kill();
    });
    copyFileSync(first.journalPath, settings['JOURNAL_PATH'] as string);
    if (age === 'older') await raiseMark();
    copy.start(settings);
    const expected =
      age === 'fresh' ? /another process has the place/ : /the journal is an older copy/;
    await waitUntil('it stays out', () => saysOf(copy, expected));
    const before = first.said('disagreement');
    // The lock is free for a while, as it is when PostgreSQL is back before the instance is.
    if (age === 'fresh') {
      await raiseMark();
      await waitUntil('it sees the other one', () => saysOf(copy, /another copy of this instance runs/));
    }
    first.program.signal('SIGSTOP');
    await world.database.kill();
    await world.database.restart();
    for (let look = 0; look < 3; look++) await refuses(client, /copy/);
    const [lock] = await query(world.databaseUrl, LOCKED);
    assert.equal(lock, undefined, 'it takes no lock');
    first.program.signal('SIGCONT');
    await waitUntil('it has its lock again', async () => {
      return (await query(world.databaseUrl, LOCKED)).length === 1;
    });
    await payBoth(3);
    await first.becomes('agreed');
    assert.equal(first.said('disagreement'), before);
    await refuses(client, /copy/);
    await copy.kill();
    await settled();
  });
}

test(`an older copy of a journal goes on once the operator says that the newest is lost, what it holds is doubted ${AGAIN}`, async () => {
  const older = `${first.journalPath}.older`;
  for (const { levers } of world.processors) await levers.setFailing(true);
  await payBoth(3, 0);
  copyFileSync(first.journalPath, older);
  await raiseMark();
  for (const { levers } of world.processors) await levers.setFailing(false);
  await settled();
  await first.kill();
  await first.restart({ JOURNAL_PATH: older });
  await first.becomes('disagreed');
  await refuses(first.client, /the journal is an older copy/);
  assert.match(String(first.latest('disagreement')['wayOn']), /npm run operate -- lost 0/);
  const { code, words } = await operate(world, first, 'lost', '0');
  assert.equal(code, 0, words);
  await first.becomes('agreed');
  await settled();
  // The other one comes back: it is the older one now.
  await first.kill();
  await first.restart();
  await first.becomes('disagreed');
  assert.equal((await operate(world, first, 'lost', '0')).code, 0);
  await first.becomes('agreed');
  await settled();
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
    await waitUntil('it says so', () => {
      const { here, there } = instance.latest('disagreement');
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

test(`a payment that is handed over to another instance than this one is not taken ${AGAIN}`, async () => {
  const body = `{"correlationId":"${idToText(random.id())}","amount":1.00}`;
  for (const meant of ['', '?instance=1&instances=2', '?instance=0&instances=3']) {
    const { status } = await first.client.send('POST', `/internal/payments${meant}`, { body });
    assert.equal(status, 421, meant);
  }
});
