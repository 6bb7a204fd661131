// The warm-up leaves nothing behind, and where it can't be played the start goes on with a warning.

import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config/config.ts';
import { warmUp } from '../../src/warm-up.ts';
import { REQUIRED_SETTINGS } from '../buffer/lone-engine.ts';
import { tempDirectoryFor } from '../world/temp-directory.ts';

const fail = (event: string): never => assert.fail(event);

/** The warnings. */
async function play(
  socketPath: string,
  settings: Readonly<Record<string, string>> = {},
  stop = new AbortController().signal,
): Promise<string[]> {
  const config = readConfig({
    ...REQUIRED_SETTINGS,
    SOCKET_PATH: socketPath,
    WARM_UP_PAYMENTS: '200',
    ...settings,
  });
  const warnings: string[] = [];
  const warn = (event: string, details: Readonly<Record<string, unknown>> = {}): void => {
    assert.equal(event, 'not warmed up');
    warnings.push(String(details['message']));
  };
  await warmUp(config, systemClock, stop, { info: fail, warn, error: fail });
  return warnings;
}

test('nothing of it stays', async (context) => {
  const directory = tempDirectoryFor(context);
  for (const settings of [{}, { SENDS_GATHER_MS: '1000' }, { AMOUNT_MAX_CENTS: '1' }]) {
    assert.deepEqual(await play(join(directory, 'api.sock'), settings), []);
    assert.deepEqual(readdirSync(directory), []);
  }
});

test('a stop ends it', async (context) => {
  const directory = tempDirectoryFor(context);
  const settings = { WARM_UP_PAYMENTS: '100000' };
  assert.deepEqual(await play(join(directory, 'api.sock'), settings, AbortSignal.abort()), []);
  assert.deepEqual(await play(join(directory, 'api.sock'), settings, AbortSignal.timeout(100)), []);
  assert.deepEqual(readdirSync(directory), []);
});

test('a path that is as long as it may be leaves no room for another one', async (context) => {
  const directory = tempDirectoryFor(context);
  const path = join(directory, 'x'.repeat(107 - directory.length - 1));
  const [message] = await play(path);
  assert.match(String(message), /too long/);
  assert.deepEqual(readdirSync(directory), []);
});

test('something else is at its path', async (context) => {
  const directory = tempDirectoryFor(context);
  writeFileSync(join(directory, 'api.sock~'), 'a copy of somebody');
  const [message] = await play(join(directory, 'api.sock'));
  assert.match(String(message), /is no socket/);
  assert.deepEqual(readdirSync(directory), ['api.sock~']);
});
