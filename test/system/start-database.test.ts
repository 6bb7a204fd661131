// `npm start` and the database: PG* variables don't lead it elsewhere; a DATABASE_URL that can't be
// used is said on the terminal.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { DatabaseServer, query } from '../world/database.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { killAll, launch, nothingIsLeft, settings, settled, start } from './started.ts';

after(killAll);

const slow = { timeout: 240_000 };

test('PG* variables are ignored, from the making of the cluster on', slow, async () => {
  const system = await start({
    ...(await settings(makeTempDirectory())),
    PGPORT: '5433',
    PGHOST: '203.0.113.1',
    PGHOSTADDR: '203.0.113.1',
    PGUSER: 'nobody',
    PGDATABASE: 'nowhere',
    PGDATA: '/nowhere',
    PGOPTIONS: '-c nonsense=1',
    PGSSLMODE: 'require',
    PGSERVICE: 'nowhere',
    NODE_PG_FORCE_NATIVE: '1',
  });
  assert.equal((await system.client.pay(randomUUID(), '19.90')).status, 202);
  await settled(system.client, 1);
  system.client.close();
  assert.equal(await system.program.kill('SIGTERM'), 0, system.program.lastWords());
  await nothingIsLeft(system);
});

test('a DATABASE_URL that both drivers can not take alike is one clear line', slow, async () => {
  const url = 'postgres://someone:s3cret@127.0.0.1/x?schema=public';
  const program = launch({ ...(await settings(makeTempDirectory())), DATABASE_URL: url });
  assert.equal(await program.ended(), 1);
  await waitUntil('it says why', () => program.errors.length > 0);
  assert.deepEqual(program.lines, []);
  assert.equal(program.errors.length, 1);
  assert.match(program.errors[0] as string, /^npm start: DATABASE_URL .*"schema"/);
  assert.doesNotMatch(program.lastWords(), /s3cret/);
});

test(
  'a ledger that can not be used is said on the terminal, and used once it can be',
  slow,
  async (context) => {
    const server = await DatabaseServer.start();
    context.after(() => server.close());
    const url = await server.createDatabase();
    await query(url, 'CREATE ROLE newcomer LOGIN');
    const environment = {
      ...(await settings(makeTempDirectory())),
      DATABASE_URL: url.replace('repasse@', 'newcomer@'),
    };
    const program = launch(environment);
    await waitUntil('it says why', () => program.errors.length > 0, { withinMs: 60_000 });
    assert.match(
      program.errors[0] as string,
      /^npm start: ledger unusable \(DATABASE_URL\): the user lacks a right there: .*user "newcomer": permission denied for schema public/,
    );
    assert.deepEqual(program.lines, [], 'it is not ready');
    await query(url, 'GRANT CREATE ON SCHEMA public TO newcomer');
    await waitUntil('it is ready', () => program.lines.length > 0, { withinMs: 60_000 });
    assert.equal(await program.kill('SIGTERM'), 0, program.lastWords());
  },
);
