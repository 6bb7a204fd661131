// psql as a process that stays, on a real PostgreSQL.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { PsqlSession } from '../../tools/compose/psql-session.ts';
import { DatabaseServer } from '../world/database.ts';
import { needs } from '../world/needs.ts';

const isThere = spawnSync('psql', ['--version']).status === 0;

test(
  'questions are answered one after the other, by one connection',
  needs('psql', isThere),
  async (t) => {
    const server = await DatabaseServer.start();
    t.after(() => server.close());
    const session = new PsqlSession(['psql', await server.createDatabase()]);
    const first = await session.ask('SELECT pg_backend_pid()');
    assert.deepEqual(await session.ask('SELECT pg_backend_pid()'), first);
    const rows = await session.ask("SELECT n, 'x' FROM generate_series(1, 3000) n");
    assert.deepEqual([rows.length, rows[0], rows[2_999]], [3_000, '1 x', '3000 x']);
    assert.deepEqual(await session.ask('SELECT 1 WHERE false'), []);
    await assert.rejects(session.ask('SELECT nonsense'), /psql ended/);
    await session.close();
  },
);
