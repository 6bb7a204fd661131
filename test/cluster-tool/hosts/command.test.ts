// `npm run cluster` as a person uses it: it is ready, takes payments at every host, and leaves
// nothing behind, however it ends.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Client } from '../../world/client.ts';
import { Program } from '../../world/program.ts';
import { waitUntil } from '../../world/wait-until.ts';

const NETWORK = '10.77.203';
const SCRIPT = new URL('../../../tools/cluster.js', import.meta.url);
const command = new Program(SCRIPT, ['--network', NETWORK]);
const lock = `/run/repasse-cluster-${NETWORK}`;
const slow = { withinMs: 120_000, everyMs: 100 };

after(async () => {
  if (command.running) await command.kill('SIGTERM');
});

const ip = (...words: readonly string[]): string =>
  spawnSync('ip', [...words], { encoding: 'utf8' }).stdout;
const namespaces = (): string[] =>
  ip('netns', 'list')
    .split('\n')
    .filter((name) => name.startsWith(`repasse-${NETWORK}-`));
/** The directory of the cluster that runs, or of the one that was killed. */
const directory = (): string => readFileSync(lock, 'utf8');

/** Its addresses, once it is ready. */
async function ready(): Promise<readonly string[]> {
  const before = command.lines.length;
  command.start();
  const line = await waitUntil(
    'it is ready',
    () => {
      if (!command.running) throw new Error(command.lastWords());
      return command.lines.slice(before).find((text) => text.startsWith('ready '));
    },
    slow,
  );
  return line.split(' ').slice(1);
}

async function payEverywhere(urls: readonly string[]): Promise<void> {
  assert.equal(urls.length, 3);
  for (const url of urls) {
    const client = new Client(url);
    assert.equal((await client.pay(randomUUID(), '19.90')).status, 202);
    client.close();
  }
}

test('a second one on the same network is one clear line', async () => {
  await payEverywhere(await ready());
  const second = new Program(SCRIPT, ['--network', NETWORK]);
  second.start();
  assert.equal(await second.ended(), 1);
  assert.match(second.lastWords(), /another cluster runs on 10\.77\.203\.0\/24/);
});

test('after kill -9 the next one removes what is left, and starts', async () => {
  const left = directory();
  assert.ok(existsSync(left));
  await command.kill('SIGKILL');
  assert.equal(namespaces().length, 4);
  await payEverywhere(await ready());
  assert.ok(!existsSync(left));
  assert.notEqual(directory(), left);
});

test('SIGTERM leaves no process, namespace, link or file', async () => {
  const left = directory();
  assert.equal(await command.kill('SIGTERM'), 0);
  assert.deepEqual(namespaces(), []);
  assert.doesNotMatch(ip('-brief', 'link'), /rp10\.77\.203/);
  assert.ok(!existsSync(left));
  assert.equal(directory(), '');
  // Every process of ours had the directory in its command.
  const running = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout;
  assert.ok(!running.includes(left));
});
