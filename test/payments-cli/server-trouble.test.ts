// A server that isn't there, hangs, refuses, or is no admin server: one clear line, and no more.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { payments } from './command.ts';
import { directoryOf, stubAdmin, type Told } from './stub-admin.ts';

const ID = '4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3';
const EMPTY = { payments: [], counts: {}, unreachable: [] };

const ANSWERS: readonly (readonly [told: Told, code: number, says: RegExp])[] = [
  [
    { status: 401, body: { error: 'unauthorized' } },
    2,
    /refuses \(401\): .*ADMIN_TOKEN is not set/,
  ],
  [{ status: 403, body: { reason: 'without ADMIN_TOKEN' } }, 2, /refuses \(403\): without ADMIN/],
  [{ status: 403, body: '<html>' }, 2, /refuses \(403\)$/m],
  [{ status: 502, body: '<html>Bad gateway</html>' }, 1, /answers 502 without JSON/],
  [{ status: 200, body: '<html>Welcome</html>' }, 1, /answers 200 without JSON/],
  [{ status: 200, body: '{"payments":[' }, 1, /answers 200 without JSON/],
  [{ status: 200, body: [] }, 1, /answers 200 without JSON/],
  [{ status: 200, body: { ok: true } }, 1, /answers no counts of payments/],
  [{ status: 200, body: { ...EMPTY, payments: [null] } }, 1, /answers no list of payments/],
  [
    { status: 404, body: { error: 'not found' } },
    1,
    /not found \(404\): is it an admin server, and of this version\?/,
  ],
  [
    { status: 503, body: { error: 'unavailable', reason: 'a purge\u001b[1m' } },
    1,
    /purge\\u\{1b\}/,
  ],
];

test('an answer that is no list is one line that says what it is', async (context) => {
  for (const [told, expected, says] of ANSWERS) {
    const { path } = await stubAdmin(context, () => told);
    const { code, out, err } = await payments(['list', '--admin', path]);
    assert.equal(code, expected, err);
    assert.equal(out, '');
    assert.match(err, says);
    assert.equal(err.trimEnd().split('\n').length, 1, err);
  }
});

test('half an answer, and something that speaks no HTTP', async (context) => {
  const { path } = await stubAdmin(context, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"payments":', () => response.destroy());
    return undefined;
  });
  const half = await payments(['list', '--admin', path]);
  assert.equal(half.code, 1);
  assert.match(half.err, /the connection broke before the whole answer was here/);
  const other = join(directoryOf(context), 'other');
  const server = createServer((socket) => socket.end('220 smtp ready\r\n'));
  await new Promise<void>((resolve) => server.listen(other, resolve));
  context.after(() => server.close());
  const foreign = await payments(['list', '--admin', other]);
  assert.equal(foreign.code, 1);
  assert.match(foreign.err, /does not speak HTTP|the connection broke/);
});

test('a server that hangs is left after 5 s, with an action after 15 s; it may have been done', async (context) => {
  const { path } = await stubAdmin(context, () => undefined);
  const [list, retry] = await Promise.all([
    payments(['list', '--admin', path]),
    payments(['retry', ID, '--admin', path]),
  ]);
  assert.deepEqual([list.code, retry.code], [1, 1]);
  assert.match(list.err, /no answer within 5 s$/m);
  assert.match(retry.err, /no answer within 15 s; it may have been done all the same/);
});

test('nothing at the path, at the port, and a file that is no socket', async () => {
  const file = new URL(import.meta.url).pathname;
  for (const [address, says] of [
    ['/nowhere/admin', /there is no such socket/],
    [file, /nothing listens there|that is no socket/],
    ['127.0.0.1:1', /127\.0\.0\.1:1: nothing listens there/],
    ['[::1]:1', /no admin server answers at \[::1\]:1/],
  ] as const) {
    const { code, err } = await payments(['list', '--admin', address]);
    assert.equal(code, 1, err);
    assert.match(err, says);
  }
});

test('without an address the instances of an npm start are asked, the second if need be', async (context) => {
  const data = directoryOf(context);
  // Its sockets may be elsewhere, if its own path is too long for them.
  const elsewhere = mkdtempSync(join(directoryOf(context), 'run-'));
  const deep = join(data, 'd'.repeat(100));
  mkdirSync(deep);
  symlinkSync(elsewhere, join(deep, 'run'));
  const none = await payments(['list'], { DATA_DIR: deep });
  assert.equal(none.code, 1);
  assert.match(none.err, /admin-0: there is no such socket; .*admin-1.* is "npm start" running\?/);
  const second = await stubAdmin(context, () => ({ body: EMPTY }), join(elsewhere, 'admin-1'));
  assert.equal((await payments(['list'], { DATA_DIR: deep })).code, 0);
  await stubAdmin(context, () => ({ body: EMPTY }), join(elsewhere, 'admin-0'));
  const before = second.asked.length;
  assert.equal((await payments(['list'], { DATA_DIR: deep })).code, 0);
  assert.equal(second.asked.length, before);
});
