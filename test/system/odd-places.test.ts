// `npm start` in unusual places (paths, temporary directories, locales): it works, or says in one
// line why it cannot.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lastWords } from '../../tools/system/last-words.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { killAll, launch, nothingIsLeft, settings, settled, start } from './started.ts';

after(killAll);

const slow = { timeout: 120_000 };
const ODD_NAME = `it's a "b", c;{d} #1 $& \${LISTEN} 100% ñ\\e`;

test(
  'any characters in DATA_DIR, a private TMPDIR and an unknown locale do no harm',
  slow,
  async () => {
    const directory = join(makeTempDirectory(), ODD_NAME, 'new');
    const ownersTemporary = makeTempDirectory();
    chmodSync(ownersTemporary, 0o700);
    const system = await start({
      ...(await settings(directory)),
      TMPDIR: ownersTemporary,
      LC_ALL: 'xx_YY.UTF-8',
      NODE_ENV: 'production',
    });
    const elsewhere = readlinkSync(join(directory, 'run'));
    assert.equal((await system.client.pay(randomUUID(), '19.90')).status, 202);
    await settled(system.client, 1);
    system.client.close();
    assert.equal(await system.program.kill('SIGTERM'), 0, system.program.lastWords());
    await nothingIsLeft(system);
    assert.equal(existsSync(elsewhere), false);
    assert.deepEqual(readdirSync(ownersTemporary), []);
  },
);

test('a missing TMPDIR is passed over', slow, async () => {
  const directory = join(makeTempDirectory(), 'deep'.repeat(30));
  const system = await start({ ...(await settings(directory)), TMPDIR: '/nonexistent' });
  system.client.close();
  assert.equal(await system.program.kill('SIGTERM'), 0, system.program.lastWords());
  await nothingIsLeft(system);
});

test('a data directory that can not be is one clear line, at once', slow, async () => {
  const file = join(makeTempDirectory(), 'file');
  writeFileSync(file, '');
  const places = ['/proc/x', '/proc/self/x/y', '/dev/null/x', file, join(file, 'x')];
  for (const place of places) {
    const program = launch(await settings(place));
    assert.equal(await program.ended(), 1, place);
    await waitUntil('it says why', () => program.errors.length > 0);
    assert.equal(program.errors.length, 1, place);
    const cause = `npm start: DATA_DIR ${place} cannot be used: E`;
    assert.ok(program.errors[0]?.startsWith(cause), program.errors[0]);
  }
});

test(
  'a setting that no instance can use is one clear line, before anything is started',
  slow,
  async () => {
    for (const [setting, cause] of [
      [{ ADMIN_TOKEN: 'short-secret' }, 'ADMIN_TOKEN must have 16 to 256 visible ASCII characters'],
      [{ RING_SLOTS: '0' }, 'RING_SLOTS is "0", must be a whole number from 1'],
    ] as const) {
      const directory = join(makeTempDirectory(), 'new');
      const program = launch({ ...(await settings(directory)), ...setting });
      assert.equal(await program.ended(), 1);
      await waitUntil('it says why', () => program.errors.length > 0);
      assert.equal(program.errors.length, 1);
      assert.ok(program.errors[0]?.startsWith(`npm start: ${cause}`), program.errors[0]);
      assert.ok(!program.errors.join().includes('secret'));
      assert.equal(existsSync(join(directory, 'postgres')), false);
    }
  },
);

test('what PostgreSQL can not write is one clear line', slow, async () => {
  const directory = makeTempDirectory();
  // Neither a cluster nor what is left of an unfinished one.
  writeFileSync(join(directory, 'postgres.unfinished'), '');
  mkdirSync(join(directory, 'postgres'));
  const program = launch(await settings(directory));
  assert.equal(await program.ended(), 1);
  await waitUntil('it says why', () => program.errors.length > 0);
  assert.equal(program.errors.length, 1);
  assert.match(
    program.errors[0] as string,
    /^npm start: postgres did not start: .*could not access/,
  );
});

test('of what a program said, the line with the reason is shown', () => {
  const full = 'LOG: starting\nFATAL:  no space left\nLOG: shut down\n';
  assert.equal(lastWords(full), 'FATAL:  no space left');
  assert.equal(lastWords('initdb: error: no\ninitdb: removing'), 'initdb: error: no');
  assert.equal(lastWords('x\nSyntaxError: odd\n    at y\n\nNode.js v20\n'), 'SyntaxError: odd');
  assert.equal(lastWords('one\ntwo\n'), 'two');
  assert.equal(lastWords(''), '');
});
