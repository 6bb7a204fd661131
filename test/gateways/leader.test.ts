// Leadership and news on a real PostgreSQL: one leader at a time, another one when it is gone, none without the database.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.ts';
import { Bulletin } from '../../src/ledger/bulletin.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

interface Candidate {
  readonly bulletin: Bulletin;
  readonly news: string[];
}

function stand(context: TestContext, url: string): Candidate {
  const news: string[] = [];
  const onNews = (text: string): number => news.push(text);
  const bulletin = new Bulletin({ url, timeoutMs: 2_000, clock: systemClock, onNews });
  context.after(() => bulletin.close());
  bulletin.start();
  return { bulletin, news };
}

const leaders = (candidates: readonly Candidate[]): Candidate[] =>
  candidates.filter(({ bulletin }) => bulletin.leadingSinceMs !== undefined);

/** The only leader, once everybody listens. */
async function elected(candidates: readonly Candidate[]): Promise<Candidate> {
  await waitUntil('one leads', () => leaders(candidates).length === 1, { withinMs: 20_000 });
  return leaders(candidates)[0] as Candidate;
}

/** News are lost on who doesn't listen yet, so they are told until all have heard them. */
async function tellAll(from: Candidate, to: readonly Candidate[], text: string): Promise<void> {
  await waitUntil(
    'all have heard',
    () => {
      from.bulletin.publish(text);
      return to.every(({ news }) => news.includes(text));
    },
    { withinMs: 20_000, everyMs: 100 },
  );
}

const lockHolders = (url: string): Promise<{ pid: number }[]> =>
  query(url, `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted`);

test('one of two leads, and its news reach both', async (context) => {
  const url = await server.createDatabase();
  const both = [stand(context, url), stand(context, url)];
  const leader = await elected(both);
  await tellAll(leader, both, 'default failing 100');
  assert.equal((await lockHolders(url)).length, 1);
  assert.deepEqual(leaders(both), [leader]);
});

test('a leader that stops makes room for the other one', async (context) => {
  const url = await server.createDatabase();
  const both = [stand(context, url), stand(context, url)];
  const leader = await elected(both);
  await leader.bulletin.close();
  assert.equal(leader.bulletin.leadingSinceMs, undefined);
  const next = await elected(both);
  assert.notEqual(next, leader);
});

test('a leader whose connection is ended by the server leads no longer; one leads again', async (context) => {
  const url = await server.createDatabase();
  const both = [stand(context, url), stand(context, url)];
  const leader = await elected(both);
  const sinceMs = leader.bulletin.leadingSinceMs;
  const [holder] = await lockHolders(url);
  await query(url, 'SELECT pg_terminate_backend($1)', [holder?.pid]);
  // Should it be the same one again, then anew: its pause before the first call begins again.
  await waitUntil('it lost', () => leader.bulletin.leadingSinceMs !== sinceMs);
  await tellAll(await elected(both), both, 'default working 1');
});

test('a leader whose process is killed is followed by another one', async (context) => {
  const url = await server.createDatabase();
  const script = fileURLToPath(new URL('./leader-process.js', import.meta.url));
  const child = spawn(process.execPath, [script, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await waitUntil('the child leads', () => said.includes('leads'), { withinMs: 20_000 });
  const heir = stand(context, url);
  await tellAll(heir, [heir], 'it listens');
  assert.equal(heir.bulletin.leadingSinceMs, undefined);
  child.kill('SIGKILL');
  assert.equal(await elected([heir]), heir);
});

test('without the database nobody leads; when it is back one does, and news go on', async (context) => {
  const url = await server.createDatabase();
  const both = [stand(context, url), stand(context, url)];
  await elected(both);
  await server.kill();
  await waitUntil('nobody leads', () => leaders(both).length === 0);
  // Lost, and harmless.
  for (const { bulletin } of both) bulletin.publish('into the void');
  await server.restart();
  await tellAll(await elected(both), both, 'fallback working 3');
  assert.ok(both.every(({ news }) => !news.includes('into the void')));
});
