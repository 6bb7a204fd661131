// What nginx answers by itself when no instance does, and what it does with a purge.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Client, type Reply } from '../world/client.ts';
import { Front } from '../world/front.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Stand } from './stand.ts';

const directory = makeTempDirectory();
const stands = [new Stand(directory, 0), new Stand(directory, 1)] as const;
const [first, second] = stands;
let front: Front;
let client: Client;

before(async () => {
  for (const stand of stands) await stand.open();
  front = await Front.start(
    directory,
    stands.map(({ path }) => path),
  );
  client = new Client(front.url);
});
after(async () => {
  client.close();
  await front.close();
  for (const stand of stands) await stand.shut();
});
beforeEach(async () => {
  for (const stand of stands) {
    stand.dies = false;
    await stand.open();
  }
  const takers = new Set<unknown>();
  await waitUntil('both take something', async () => {
    takers.add((await client.send('GET', '/anything')).headers['x-instance']);
    return takers.has('0') && takers.has('1');
  });
  for (const stand of stands) stand.bodies.length = 0;
});

const BODY = '{"correlationId":"3f2504e0-4f89-41d3-9a0c-0305e82c3300","amount":19.90}';
const pay = (): Promise<Reply> => client.send('POST', '/payments', { body: BODY });

function isUnavailable({ status, headers, body }: Reply, reason: string): void {
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(body), { error: 'unavailable', reason });
}

test('a payment that may have been taken is answered so, and one that was not as well', async () => {
  for (const stand of stands) stand.dies = true;
  isUnavailable(await pay(), 'it may have been taken: send it again');
  assert.ok(first.bodies.includes(BODY) && second.bodies.includes(BODY), 'both were asked');
  // One that died with it, and one that was never there.
  await second.shut();
  isUnavailable(await pay(), 'it may have been taken: send it again');
  await first.shut();
  isUnavailable(await pay(), 'no instance answers now');
  isUnavailable(await client.send('GET', '/payments-summary'), 'no instance answers now');
});

test('a purge is asked for once: not again where it was asked for already', async () => {
  for (const stand of stands) stand.dies = true;
  isUnavailable(
    await client.send('POST', '/purge-payments'),
    'it may have been taken: send it again',
  );
  assert.equal(first.bodies.length + second.bodies.length, 1);
  const tooLarge = await client.send('POST', '/purge-payments', { body: ' '.repeat(4097) });
  assert.equal(tooLarge.status, 413);
  assert.match(tooLarge.body, /^\{"error":/);
});

test('a purge goes to an instance that is there', async () => {
  await first.shut();
  for (let n = 0; n < 10; n++) {
    const { status, headers } = await client.send('POST', '/purge-payments');
    assert.equal(`${status} ${String(headers['x-instance'])}`, '202 1');
  }
  await second.shut();
  isUnavailable(await client.send('POST', '/purge-payments'), 'no instance answers now');
});

test('a method that nginx itself refuses is a 405 with Allow, where the address is known', async () => {
  for (const [path, allow] of [
    ['/payments', 'POST'],
    ['/payments?x', 'POST'],
    ['/purge-payments', 'POST'],
    ['/payments-summary?from=x', 'GET'],
    ['/payments-of-others', undefined],
  ] as const) {
    const { status, headers, body } = await client.send('TRACE', path);
    assert.equal(status, 405, path);
    assert.equal(headers.allow, allow, path);
    assert.deepEqual(JSON.parse(body), { error: 'method not allowed' });
  }
});

const held = (): number => stands.reduce((sum, each) => sum + (each.held?.length ?? 0), 0);

test('700 requests are under way at most: one more is 503 with Retry-After at once, and all others are answered', async () => {
  for (const each of stands) each.held = [];
  const path = '/payments-summary';
  const waiting = Array.from({ length: 700 }, () => client.send('GET', path));
  await waitUntil('all are under way', () => held() === waiting.length);
  const refused = await client.send('GET', path);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '1');
  const { reason } = JSON.parse(refused.body) as { reason: string };
  assert.equal(reason, 'too many requests at once');
  for (const each of stands) {
    for (const answer of each.held ?? []) answer();
    each.held = undefined;
  }
  for (const reply of await Promise.all(waiting)) assert.equal(reply.status, 202);
  assert.equal((await client.send('GET', path)).status, 202);
});
