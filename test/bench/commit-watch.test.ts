// When a row was committed, from which transactions are over: with a real PostgreSQL.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import {
  committedByMs,
  CommitWatch,
  snapshotOf,
  SNAPSHOT_QUERY,
} from '../../bench/sustained/commit-watch.ts';
import { connectTo } from '../../bench/sustained/ledger-connection.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';

test('a row counts from the first look that sees its transaction ended', async (t) => {
  const server = await DatabaseServer.start();
  t.after(() => server.close());
  const url = await server.createDatabase();
  await query(url, 'CREATE TABLE rows (name text)');
  const ledger = await connectTo(url);
  const slow = new pg.Client({ connectionString: url });
  await slow.connect();
  const look = async (atMs: number) =>
    snapshotOf((await ledger.ask(SNAPSHOT_QUERY))[0] ?? '', atMs);

  const snapshots = [await look(1)];
  await slow.query('BEGIN');
  await slow.query("INSERT INTO rows VALUES ('slow')");
  snapshots.push(await look(2));
  await query(url, "INSERT INTO rows VALUES ('quick')");
  snapshots.push(await look(3));
  await slow.query('COMMIT');
  const rows = await ledger.ask('SELECT name, xmin FROM rows');
  const xminOf = new Map(rows.map((row) => row.split(' ') as [string, string]));
  const byMs = (name: string): number => committedByMs(snapshots, Number(xminOf.get(name)));
  assert.equal(byMs('quick'), 3);
  assert.equal(byMs('slow'), Infinity, 'no look saw its end');
  snapshots.push(await look(4), await look(5));
  assert.equal(byMs('slow'), 4);
  assert.equal(byMs('quick'), 3);
  await slow.end();
  await ledger.close();
});

test('the watch looks again and again, and a last time when it is stopped', async (t) => {
  const server = await DatabaseServer.start();
  t.after(() => server.close());
  const url = await server.createDatabase();
  await query(url, 'CREATE TABLE rows (name text)');
  const ledger = await connectTo(url);
  const watch = new CommitWatch((sql) => ledger.ask(sql));
  watch.start();
  await waitUntil('it looked twice', () => watch.snapshots.length >= 2);
  await query(url, "INSERT INTO rows VALUES ('last')");
  const insertedMs = Date.now();
  await watch.stop();
  const [xmin] = await ledger.ask('SELECT xmin FROM rows');
  const byMs = committedByMs(watch.snapshots, Number(xmin));
  assert.equal(byMs, watch.snapshots.find(({ atMs }) => atMs === byMs)?.atMs);
  assert.ok(Number.isFinite(byMs) && (watch.snapshots.at(-1)?.atMs ?? 0) >= insertedMs);
  await ledger.close();
});

test('numbers of transactions go round', () => {
  const snapshots = [
    snapshotOf('4294967290:4294967295:4294967291', 1),
    snapshotOf('4294967291:4294967300:4294967291,4294967298', 2),
    snapshotOf('4294967310:4294967310:', 3),
  ];
  assert.equal(committedByMs(snapshots, 4294967290), 1);
  assert.equal(committedByMs(snapshots, 4294967291), 3, 'it ran on');
  assert.equal(committedByMs(snapshots, 1), 2, 'the 4294967297th');
  assert.equal(committedByMs(snapshots, 2), 3, 'the 4294967298th ran still');
  assert.equal(committedByMs(snapshots, 20), Infinity);
});
