// The submission of this checkout breaks no rule, and what is in it fits together.

import assert from 'node:assert/strict';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  readFolder,
  strangerIn,
  writeFolder,
} from '../../tools/contest/submission/folder-files.ts';
import { checkFolder, fillVariables } from '../../tools/contest/submission/folder.ts';
import { readComposeFile, socketPathsOf } from '../../tools/contest/submission/compose-file.ts';
import { EXACT_IMAGES } from '../../tools/compose/images.ts';
import {
  clusterFront,
  nginxConfiguration,
  POD_SOCKET,
  PRODUCTION_CLIENTS,
} from '../../tools/system/nginx.ts';
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
  const front = { listen: '9999', socketPaths };
  for (const [path, expected] of [
    ['docker/nginx.conf', front],
    ['docker/nginx.production.conf', { ...front, clients: PRODUCTION_CLIENTS }],
    ['docker/nginx.cluster.conf.template', clusterFront(socketPaths)],
    [
      'deploy/kubernetes/nginx.conf',
      { ...front, socketPaths: [POD_SOCKET], clients: PRODUCTION_CLIENTS },
    ],
  ] as const) {
    const text = await nginxConfiguration(expected);
    assert.equal(
      await readRoot(path),
      text,
      `${path} is out of date: npm run submission writes it`,
    );
  }
});

test('each instance knows all sockets, and listens on one of its own', async () => {
  const file = readComposeFile(await readRoot('docker-compose.yml'));
  const instances = Object.values(file.services).filter(
    ({ environment }) => environment?.['SOCKET_PATH'],
  );
  const own = instances.map(({ environment }) => environment?.['SOCKET_PATH']);
  assert.deepEqual(own, socketPathsOf(file));
  for (const { environment } of instances) {
    assert.deepEqual(environment?.['PEER_SOCKET_PATHS'], own.join(','));
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

async function feesIn(name: 'preview' | 'final'): Promise<string[]> {
  const text = (await submitted(name)).get('docker-compose.yml') ?? '';
  return [...text.matchAll(/FEE_\w+_BPS: (\d+)/g)].map(([, bps = '']) => bps);
}

test('the instances count with the fees of the test that is named', async () => {
  assert.deepEqual(await feesIn('preview'), ['500', '1500']);
  assert.deepEqual(await feesIn('final'), ['700', '1000']);
});

test('what the contest wrote into the folder stays, and its results must go', async () => {
  const folder = new Map(await submitted()).set('k6.logs', '').set('docker-compose-final.logs', '');
  assert.deepEqual(checkFolder(folder), []);
  assert.deepEqual(checkFolder(folder.set('partial-results.json', '{}')), [
    'partial-results.json must be deleted: the contest tests a folder without it only',
  ]);
});

test('a folder on the disk is read as it was written, and a stranger in it is found', async () => {
  const directory = join(makeTempDirectory(), 'someone');
  assert.equal(await strangerIn(directory), undefined);
  const folder = await submitted();
  await writeFolder(directory, folder);
  assert.deepEqual(await readFolder(directory), folder);
  assert.equal(await strangerIn(directory), undefined);
  await writeFile(join(directory, 'docker', 'Dockerfile'), 'FROM scratch');
  assert.equal(await strangerIn(directory), 'docker/Dockerfile');
  assert.ok(checkFolder(await readFolder(directory)).includes('docker/Dockerfile does not belong'));
});

test('a link in the folder is no file of it', async () => {
  const directory = makeTempDirectory();
  await writeFolder(directory, await submitted());
  await rm(join(directory, 'README.md'));
  await symlink('/etc/hostname', join(directory, 'README.md'));
  assert.deepEqual(checkFolder(await readFolder(directory)), ['README.md is missing']);
});

test('a file that is missing, and one that does not belong, are both faults', async () => {
  const folder = new Map(await submitted());
  folder.delete('README.md');
  folder.set('src/main.ts', '// source');
  assert.deepEqual(checkFolder(folder), ['README.md is missing', 'src/main.ts does not belong']);
});
