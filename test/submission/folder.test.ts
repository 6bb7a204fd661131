// The submission of this checkout breaks no rule, and what is in it fits together.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkFolder, fillVariables } from '../../tools/submission/folder.ts';
import { readComposeFile, socketPathsOf } from '../../tools/submission/compose-file.ts';
import { EXACT_IMAGES } from '../../tools/submission/images.ts';
import { prepareNginx } from '../../tools/system/nginx.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { readRoot, submitted } from './submitted.ts';

test('the submission of this checkout breaks no rule of the contest', async () => {
  const folder = await submitted();
  assert.deepEqual(checkFolder(folder), []);
  const info = JSON.parse(folder.get('info.json') ?? '') as Record<string, unknown>;
  assert.equal(info['source-code-repo'], 'https://github.com/someone/repasse');
});

test('images are named by the whole versions of what the working file names', async () => {
  const working = await readRoot('docker-compose.yml');
  const written = (await submitted()).get('docker-compose.yml') ?? '';
  for (const [variable, exact] of Object.entries(EXACT_IMAGES)) {
    const short = new RegExp(`\\{${variable}:-(.+)-bookworm\\}`).exec(working)?.[1];
    assert.ok(exact.startsWith(`${short}.`), `${exact} is no version of ${short}`);
    assert.match(written, new RegExp(`^    image: ${exact}$`, 'm'));
  }
});

test('nginx in a container is configured as everywhere else', async () => {
  const socketPaths = socketPathsOf(readComposeFile(await readRoot('docker-compose.yml')));
  assert.equal(socketPaths.length, 2);
  const directory = makeTempDirectory();
  await prepareNginx(directory, { listen: '9999', socketPaths });
  assert.equal(
    await readRoot('docker/nginx.conf'),
    await readFile(join(directory, 'nginx.conf'), 'utf8'),
    'docker/nginx.conf is out of date: npm run submission writes it anew',
  );
});

test('each instance knows all sockets, and listens on one of its own', async () => {
  const file = readComposeFile(await readRoot('docker-compose.yml'));
  const instances = file.services.filter(({ environment }) => environment['SOCKET_PATH']);
  const own = instances.map(({ environment }) => environment['SOCKET_PATH']);
  assert.deepEqual(own, socketPathsOf(file));
  for (const { environment } of instances) {
    assert.deepEqual(environment['PEER_SOCKET_PATHS'], own.join(','));
  }
});

test('the database gives up no durability for speed', async () => {
  const settings = await readRoot('docker/postgresql.conf');
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    assert.doesNotMatch(settings, new RegExp(`^\\s*${name}\\s*=`, 'm'));
  }
});

test('variables become what is given, or their defaults', () => {
  const text = 'image: ${IMAGE:-repasse:local}, fee: ${FEE:-500}, empty: ${NONE:-}, $HOME';
  assert.equal(fillVariables(text, { IMAGE: 'a/b:1' }), 'image: a/b:1, fee: 500, empty: , $HOME');
});

test('a file that is missing, and one that does not belong, are both faults', async () => {
  const folder = new Map(await submitted());
  folder.delete('README.md');
  folder.set('src/main.ts', '// source');
  assert.deepEqual(checkFolder(folder), ['README.md is missing', 'src/main.ts does not belong']);
});
