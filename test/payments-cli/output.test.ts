// What happens to the command when its output can't be written.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { ended } from '../../tools/system/tethered.ts';
import { PAYMENTS } from './command.ts';
import { stubAdmin, type Told } from './stub-admin.ts';

const IDS = [1, 2, 3].map((number) => `4a7901b8-7d26-4d9d-aa19-00000000000${number}`);
const done = (): Told => ({ body: { result: 'tried' } });
const refused = (): Told => ({ status: 503, body: { error: 'unavailable', reason: 'busy' } });

test('on a full disk all is done, and the exit code tells that the output is cut', async (context) => {
  const { path, asked } = await stubAdmin(context, done);
  const words = [PAYMENTS, 'retry', ...IDS, '--admin', path];
  const full = openSync('/dev/full', 'w');
  context.after(() => closeSync(full));
  const child = spawn(process.execPath, words, { stdio: ['ignore', full, 'pipe'] });
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  assert.equal(await ended(child), 1);
  assert.match(err, /^the output can not be written: ENOSPC/);
  assert.equal(asked.length, IDS.length);
});

test('behind a closed pipe all is done, and the exit code is that of the actions', async (context) => {
  for (const [answer, expected] of [
    [done, 0],
    [refused, 1],
  ] as const) {
    const { path, asked } = await stubAdmin(context, answer);
    const child = spawn(process.execPath, [PAYMENTS, 'retry', ...IDS, '--admin', path]);
    child.stdout.destroy();
    child.stderr.destroy();
    assert.equal(await ended(child), expected);
    assert.equal(asked.length, IDS.length);
  }
});
