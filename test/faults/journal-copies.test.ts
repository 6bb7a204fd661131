// Two processes with the same journal, or with two journals of the same place: the one that runs
// keeps the place. A copy stays out, however old it is and whatever PostgreSQL does, until an
// operator lets it in.

import assert from 'node:assert/strict';
import { copyFileSync, renameSync } from 'node:fs';
import { after, test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { Client } from '../world/client.ts';
import { query } from '../world/database.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { elsewhere, operate } from './operating.ts';
import { openPair } from './pair.ts';

const { world, random, book, first, second, settled, payBoth, refuses } = await openPair();

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
      await waitUntil('it sees the other one', () =>
        saysOf(copy, /another copy of this instance runs/),
      );
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

test(`an older copy of a journal is used once the operator says that the newest is lost, and its payments are in doubt ${AGAIN}`, async () => {
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
  const { wayOn } = await first.latest('disagreement');
  assert.match(String(wayOn), /npm run operate -- lost 0/);
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

test(`RING_SLOTS changes as its error says: with an empty journal that is moved away ${AGAIN}`, async () => {
  await settled();
  await first.kill('SIGTERM');
  first.start({ RING_SLOTS: '6000' });
  assert.equal(await first.program.ended(), 2);
  await waitUntil('it says what to do', () =>
    first.program.errors.some((line) => line.includes('start it with RING_SLOTS=5000')),
  );
  await first.restart();
  await first.becomes('agreed');
  await waitUntil('nothing is held', async () => (await first.status()).held === 0);
  await first.kill('SIGTERM');
  renameSync(first.journalPath, `${first.journalPath}.away`);
  await first.restart({ RING_SLOTS: '6000' });
  await first.becomes('agreed');
  assert.equal((await first.status()).free, 6_000);
  await payBoth(3);
  await settled();
});
