// Which k6 is taken, and what is said without one.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findK6 } from '../../tools/contest/find-k6.ts';
import { runCommand } from './k6-command.ts';

test('without k6 the command says how to get it, in words', async () => {
  const env = { HOME: '/nowhere', PATH: '/nowhere', K6: '/nowhere/k6' };
  const { code, printed } = await runCommand(['preview'], env);
  assert.equal(code, 2);
  assert.match(printed, /^k6 not found/);
  for (const way of ['go install go.k6.io/k6@v1.1.0', 'package', 'releases', 'docker cp', 'K6=']) {
    assert.ok(printed.includes(way), way);
  }
});

test('what is no k6, or too old, is refused before anything is purged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'repasse-test-k6-'));
  try {
    const program = join(directory, 'k6');
    for (const [said, refusal] of [
      ['k6 v0.49.0 (go1.21)', /is k6 0\.49\.0; the script needs 1\.0 or later/],
      ['hello', /is no k6: hello/],
    ] as const) {
      await writeFile(program, `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
      const { code, printed } = await runCommand(['preview'], { ...process.env, K6: program });
      assert.equal(code, 2);
      assert.match(printed, refusal);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a port that is none is refused by the name of its variable, unless an option says where', async () => {
  const env = { HOME: '/nowhere', PATH: '/nowhere', K6: '/nowhere/k6' };
  for (const variable of ['PORT', 'SIMULATOR_DEFAULT_PORT', 'SIMULATOR_FALLBACK_PORT']) {
    for (const port of ['abc', '0', '65536', '80/x', '-1', '1e3', ' 80']) {
      const { code, printed } = await runCommand(['preview'], { ...env, [variable]: port });
      assert.equal(code, 2);
      assert.ok(printed.startsWith(`k6: ${variable} is "${port}", must be a port\n`), printed);
    }
  }
  const words = ['preview', '--url', 'http://127.0.0.1:9'];
  const { printed } = await runCommand(words, { ...env, PORT: 'abc' });
  assert.match(printed, /^k6 not found/);
});

test('k6 is taken from $K6 first, then from the PATH', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'repasse-test-k6-'));
  try {
    const program = join(directory, 'k6');
    await writeFile(program, '');
    assert.notEqual(findK6({ PATH: directory, HOME: '/nowhere' }), program);
    await chmod(program, 0o755);
    assert.equal(findK6({ PATH: `/nowhere:${directory}`, HOME: '/nowhere' }), program);
    assert.equal(findK6({ K6: program, PATH: '', HOME: '/nowhere' }), program);
    assert.equal(findK6({ K6: '/nowhere/k6', PATH: directory, HOME: '/nowhere' }), null);
  } finally {
    await rm(directory, { recursive: true });
  }
});
