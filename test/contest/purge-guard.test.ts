// What a run may forget without being told to: nothing but what the last run left.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Endpoints } from '../../tools/audit/endpoints.ts';
import { checkPurge } from '../../tools/contest/purge-guard.ts';
import { recordedRun, RUN_CONTEXT } from './recorded-run.ts';
import { openStubWorld, type StubWorld } from './stub-world.ts';

const place = await mkdtemp(join(tmpdir(), 'repasse-test-purge-'));
const world = await openStubWorld('none');
after(async () => {
  await world.close();
  await rm(place, { recursive: true });
});

const endpointsOf = ({ url, processorUrls }: StubWorld): Endpoints =>
  new Endpoints({ backend: url, processors: processorUrls }, '123');

const check = (runs: string, mayPurge = false, endpoints = endpointsOf(world)): Promise<string> =>
  checkPurge({ endpoints, instanceSockets: [], runs: join(place, runs), mayPurge });

async function pay(): Promise<void> {
  const body = JSON.stringify({ correlationId: crypto.randomUUID(), amount: 19.9 });
  assert.equal((await fetch(`${world.url}/payments`, { method: 'POST', body })).status, 202);
}

/** The last run against the stub world has left these books. */
async function leaveRun(runs: string): Promise<void> {
  const endpoints = endpointsOf(world);
  const folder = join(place, runs, RUN_CONTEXT.name);
  await mkdir(folder, { recursive: true });
  const result = recordedRun([], { context: { addresses: endpoints.addresses } });
  const left = { ...result, afterDrain: await endpoints.standing() };
  await writeFile(join(folder, 'result.json'), JSON.stringify(left));
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an empty system may be purged; payments of somebody else only with --purge', async () => {
  assert.match(await check('none'), /^purging .*\(empty\), .*\(empty\), .*\(empty\)/);
  await pay();
  await assert.rejects(check('none'), /the last run did not leave: .*1 payments, 19\.90.*--purge/);
  assert.match(await check('none', true), /^purging .*1 payments, 19\.90/);
});

test('what the last run left may be purged, until a payment comes after it', async () => {
  await leaveRun('left');
  assert.match(await check('left'), /^purging .*payments/);
  await pay();
  await assert.rejects(check('left'), /the last run did not leave/);
});

test('a program that answers everything with 200, and is no such system, is not purged', async () => {
  const requests: string[] = [];
  const server = createServer(({ method }, response) => {
    requests.push(String(method));
    response.end('<html>welcome</html>');
  });
  try {
    const url = await listening(server);
    const { processorUrls } = world;
    const backendIsOther = new Endpoints({ backend: url, processors: processorUrls }, '123');
    await assert.rejects(check('none', true, backendIsOther), /is another program there/);
    const addresses = { backend: world.url, processors: [processorUrls[0], url] } as const;
    const processorIsOther = new Endpoints(addresses, '123');
    await assert.rejects(check('none', true, processorIsOther), /is another program there/);
    assert.deepEqual([...new Set(requests)], ['GET']);
  } finally {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
});

test('payments that an instance holds are counted, though no summary has them', async () => {
  const server = createServer((_, response) => response.end('{"held":3}'));
  const socket = join(place, 'api.sock');
  server.listen(socket);
  await once(server, 'listening');
  try {
    const guarded = { instanceSockets: [socket], runs: join(place, 'none'), mayPurge: false };
    const empty = await openStubWorld('none');
    try {
      const endpoints = endpointsOf(empty);
      await assert.rejects(
        checkPurge({ ...guarded, endpoints }),
        /3 payments that are not settled yet/,
      );
    } finally {
      await empty.close();
    }
  } finally {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
});
