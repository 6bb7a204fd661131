// Leader election and messages between the instances, on a real PostgreSQL: at most one instance
// leads, another one follows it, and nobody leads without the database.

import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { LeaderElection } from '../../src/ledger/leader-election.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { GapProxy } from '../world/gap-proxy.ts';
import { waitUntil } from '../world/wait-until.ts';
import { makeLedger } from './ledger-fixture.ts';

/** What the driver says of this process; it says each thing once. */
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

interface Candidate {
  readonly election: LeaderElection;
  readonly proxy: GapProxy;
  readonly heard: string[];
  readonly said: readonly string[];
}

async function candidate(context: TestContext, url: string): Promise<Candidate> {
  const proxy = await GapProxy.start(url);
  const heard: string[] = [];
  const said: string[] = [];
  const say = (event: string): void => {
    said.push(event);
  };
  const election = new LeaderElection({
    url: proxy.through(url),
    name: 'test',
    timeoutMs: 2_000,
    clock: systemClock,
    log: { info: say, warn: say, error: say },
  });
  context.after(async () => {
    await election.close();
    await proxy.close();
  });
  election.start((text) => heard.push(text));
  return { election, proxy, heard, said };
}

const isLeading = ({ election }: Candidate): boolean => election.leadingSinceMs !== undefined;

/**
 * A message does not reach an instance that is not connected yet: it is published until both have
 * it.
 */
const reachesBoth = (text: string, from: Candidate, both: readonly Candidate[]): Promise<unknown> =>
  waitUntil(`both hear ${text}`, () => {
    from.election.publish(text);
    return both.every(({ heard }) => heard.includes(text));
  });

test('one instance leads; when it loses its connection or stops, the other one leads, and both hear each message', async (context) => {
  const url = await server.createDatabase();
  const first = await candidate(context, url);
  await waitUntil('the first leads', () => isLeading(first));
  const second = await candidate(context, url);
  const both = [first, second];
  await reachesBoth('from one that does not lead', second, both);
  await reachesBoth('from the leader', first, both);
  assert.deepEqual(both.map(isLeading), [true, false]);
  const locks = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted`;
  // Its own, and that of earlier versions.
  assert.equal((await query(url, locks)).length, 2);

  await first.proxy.refuse();
  first.proxy.reset();
  await waitUntil('the second leads', () => isLeading(second));
  assert.equal(isLeading(first), false);
  await first.proxy.accept();
  await reachesBoth('to one that is back', second, both);
  assert.deepEqual(both.map(isLeading), [false, true]);

  await second.election.close();
  assert.equal(isLeading(second), false);
  await waitUntil('the first leads again', () => isLeading(first));
});

test('without the database nobody leads and a message is lost; when it is back, one leads and messages go on', async (context) => {
  const url = await server.createDatabase();
  const both = [await candidate(context, url), await candidate(context, url)] as const;
  await waitUntil('one leads', () => both.some(isLeading));
  await server.kill();
  await waitUntil('nobody leads', () => !both.some(isLeading));
  for (const { election } of both) election.publish('lost');
  await server.restart();
  await waitUntil('one leads again', () => both.filter(isLeading).length === 1);
  await reachesBoth('not lost', both[0], both);
  assert.ok(both.every(({ heard }) => !heard.includes('lost')));
});

test('messages that are published at once arrive in order, and the driver has nothing to warn of', async (context) => {
  const one = await candidate(context, await server.createDatabase());
  await waitUntil('it leads', () => isLeading(one));
  const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
  for (const text of texts) one.election.publish(text);
  await waitUntil('the last one arrives', () => one.heard.includes(texts.at(-1) as string));
  assert.deepEqual(one.heard, texts);
  assert.deepEqual(warnings, []);
});

test('the leader folds what writers append, and says when it can not', async (context) => {
  const { url } = await makeLedger(server, context);
  const leader = await candidate(context, url);
  const append = `INSERT INTO batch_sums VALUES (0, '2025-07-15T12:00:00Z', 1, 1990)`;
  const waiting = (): Promise<unknown[]> => query(url, 'SELECT FROM batch_sums');
  await query(url, append);
  await waitUntil('it is folded', async () => (await waiting()).length === 0);
  await query(url, 'ALTER TABLE payment_sums RENAME TO hidden');
  await query(url, append);
  await waitUntil('it says so', () => leader.said.includes('sums not folded'));
  assert.equal((await waiting()).length, 1);
  assert.equal(isLeading(leader), true);
  await query(url, 'ALTER TABLE hidden RENAME TO payment_sums');
  await waitUntil('it says so', () => leader.said.includes('sums folded again'));
  assert.deepEqual(await query(url, 'SELECT seconds, payments::int FROM payment_sums ORDER BY 1'), [
    { seconds: 1, payments: 2 },
    { seconds: 60, payments: 2 },
    { seconds: 3_600, payments: 2 },
    { seconds: 86_400, payments: 2 },
  ]);
});
