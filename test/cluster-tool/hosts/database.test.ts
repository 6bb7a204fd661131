// The database of a cluster, without instances: whatever happens to one host, commits go on, and
// none that was acknowledged is lost.

import assert from 'node:assert/strict';
import { after, afterEach, before, test, type TestContext } from 'node:test';
import { Cluster } from '../../../tools/cluster/cluster.ts';
import { waitUntil } from '../../world/wait-until.ts';
import { Writing } from './writing.ts';

const slow = { withinMs: 90_000, everyMs: 200 };

let cluster: Cluster;
let writing: Writing;

before(async () => {
  cluster = await Cluster.prepare({ network: '10.77.201', instancesPerHost: 0 });
  await cluster.start();
});

afterEach(async () => {
  await writing?.stop();
  await everyoneIsBack();
});

after(() => cluster?.stop());

/** Two standbys follow the primary, one of them synchronously. */
async function everyoneIsBack(): Promise<void> {
  await waitUntil('all hosts are members again', () => cluster.isWhole(), slow);
}

const primary = async (): Promise<number> => (await cluster.primary()) as number;
async function replaced(old: number): Promise<number> {
  await waitUntil(
    'another host is the primary',
    async () => ![old, undefined].includes(await cluster.primary()),
    slow,
  );
  return primary();
}

async function nothingIsLost(context: TestContext): Promise<void> {
  const { acknowledged, longestPauseMs } = writing;
  context.diagnostic(`${acknowledged.length} commits, longest pause ${longestPauseMs} ms`);
  assert.deepEqual(await writing.lost(cluster.databaseUrl(await primary())), []);
}

test('a primary that is switched off is replaced, and comes back as a standby', async (context) => {
  const old = await primary();
  writing = await Writing.start(cluster, await cluster.standby('other'));
  await cluster.host(old).switchOff();
  await replaced(old);
  await writing.goesOn();
  await nothingIsLost(context);
  await cluster.host(old).switchOn();
  await everyoneIsBack();
  assert.notEqual(await primary(), old);
});

test('a primary whose disk is destroyed has lost no acknowledged commit', async (context) => {
  const old = await primary();
  writing = await Writing.start(cluster, await cluster.standby('synchronous'));
  await cluster.host(old).switchOff();
  await cluster.host(old).destroyDisk();
  await replaced(old);
  await writing.goesOn();
  await nothingIsLost(context);
  await cluster.host(old).switchOn();
  await everyoneIsBack();
  await nothingIsLost(context);
});

test('without the synchronous standby the other one takes its place', async (context) => {
  const lost = await cluster.standby('synchronous');
  writing = await Writing.start(cluster, await primary());
  await cluster.host(lost).switchOff();
  await writing.goesOn();
  await nothingIsLost(context);
  await cluster.host(lost).switchOn();
});

test('a primary that is cut off acknowledges nothing, and comes back as a standby', async (context) => {
  const old = await primary();
  // It writes on the primary itself, which it goes on reaching.
  writing = await Writing.start(cluster, old);
  await cluster.host(old).cutOff();
  await replaced(old);
  await cluster.host(old).reconnect();
  await everyoneIsBack();
  await writing.goesOn();
  await nothingIsLost(context);
  assert.notEqual(await primary(), old);
});

test('a primary that is parted takes nothing from its successor when it is back', async (context) => {
  const old = await primary();
  writing = await Writing.start(cluster, await cluster.standby('other'));
  await cluster.host(old).partFromHosts();
  await replaced(old);
  await writing.goesOn();
  await cluster.host(old).reconnect();
  await everyoneIsBack();
  await writing.goesOn();
  await nothingIsLost(context);
});

test('a primary that is restarted in order hands over to a standby', async (context) => {
  const old = await primary();
  writing = await Writing.start(cluster, await cluster.standby('other'));
  await cluster.host(old).restartOrderly();
  await writing.goesOn();
  await nothingIsLost(context);
});
