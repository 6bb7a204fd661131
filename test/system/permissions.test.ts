// Who may reach what the system has on this machine: its sockets, and the files with payments.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { groupOfNobody } from '../../tools/system/nobody.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { killAll, settings, start, type System } from './started.ts';

const run = promisify(execFile);
const AS_ROOT = process.getuid?.() === 0;
/** Neither root nor nobody. */
const STRANGER = 54_321;

const directory = makeTempDirectory();
const place = (name: string): string => join(directory, name);
const modeOf = (name: string): string => (statSync(place(name)).mode & 0o7777).toString(8);
let system: System;

before(async () => {
  system = await start(await settings(directory));
});
after(async () => {
  system.client.close();
  await system.program.kill('SIGTERM');
  await killAll();
});

test("sockets are for their owner and group alone, and nginx's worker is in the group", async () => {
  for (const name of ['api-0.sock', 'api-1.sock', 'admin-0', 'admin-1']) {
    assert.equal(modeOf(`run/${name}`), '660', name);
    const { gid } = lstatSync(place(`run/${name}`));
    assert.equal(gid, AS_ROOT ? groupOfNobody() : process.getgid?.(), name);
  }
  assert.equal((await system.client.send('GET', '/payments-summary')).status, 200);
});

test("PostgreSQL's socket is for its own user alone, and so is its directory", () => {
  assert.equal(modeOf('run/postgres/.s.PGSQL.5432'), '700');
  assert.match(modeOf('run/postgres'), /^2?700$/);
  assert.equal(modeOf('postgres'), '700');
});

test('the journals and the list of sockets are for us alone', () => {
  for (const number of [0, 1]) assert.equal(modeOf(`journal-${number}`), '600');
  assert.equal(modeOf('run'), AS_ROOT ? '2751' : '700');
});

test('another user reaches no socket and no journal', needs('root', AS_ROOT), async () => {
  const ids = ['--reuid', String(STRANGER), '--regid', String(STRANGER), '--clear-groups'];
  const asStranger = (...words: string[]): Promise<unknown> => run('setpriv', [...ids, ...words]);
  const url = 'http://instance/internal/status';
  for (const name of ['api-0.sock', 'admin-1', 'postgres/.s.PGSQL.5432']) {
    const ask = asStranger('curl', '-sS', '--unix-socket', place(`run/${name}`), url);
    await assert.rejects(ask, /Permission denied|Failed to connect|Couldn't connect/, name);
  }
  await assert.rejects(asStranger('cat', place('journal-0')), /Permission denied/);
  // The directory itself is not what keeps the stranger out.
  await asStranger('stat', place('run/api-0.sock'));
});
