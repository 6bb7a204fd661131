// One leader among the instances, and its news to all, on a real PostgreSQL.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { Bulletin } from '../../src/ledger/bulletin.ts';
import { DatabaseServer } from '../world/database.ts';
import { GapProxy } from '../world/gap-proxy.ts';
import { waitUntil } from '../world/wait-until.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

const isLeading = (bulletin: Bulletin): boolean => bulletin.leadingSinceMs !== undefined;

test('one leads, both hear the news, and the other one leads when the first loses its connection', async (context) => {
  const url = await server.createDatabase();
  const proxies = await Promise.all([GapProxy.start(url), GapProxy.start(url)]);
  const heard: string[][] = [[], []];
  const bulletins = proxies.map(
    (proxy, n) =>
      new Bulletin({
        url: proxy.through(url),
        timeoutMs: 1_000,
        clock: systemClock,
        onNews: (text) => heard[n]?.push(text),
      }),
  );
  context.after(async () => {
    await Promise.all(bulletins.map((bulletin) => bulletin.close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
  const [first, second] = bulletins as [Bulletin, Bulletin];
  const [firstProxy] = proxies;
  const reachesBoth = (text: string): Promise<unknown> =>
    waitUntil(`both hear ${text}`, () => {
      // Lost while one of them connects: said again and again.
      second.publish(text);
      return heard.every((texts) => texts.includes(text));
    });

  first.start();
  await waitUntil('the first leads', () => isLeading(first));
  second.start();
  await reachesBoth('one');
  assert.deepEqual([isLeading(first), isLeading(second)], [true, false]);

  await firstProxy.refuse();
  firstProxy.reset();
  await waitUntil('the second leads', () => isLeading(second));
  assert.equal(isLeading(first), false);

  await firstProxy.accept();
  await reachesBoth('two');
  assert.deepEqual([isLeading(first), isLeading(second)], [false, true]);

  await server.kill();
  await waitUntil('nobody leads', () => !isLeading(first) && !isLeading(second));
  await server.restart();
  await waitUntil('one leads again', () => isLeading(first) !== isLeading(second));
  await reachesBoth('three');
});
