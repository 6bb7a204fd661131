// nginx with our configuration: where each payment goes, what it refuses by itself, and what
// happens while instances are down.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { Client } from '../world/client.ts';
import { Front } from '../world/front.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Stand } from './stand.ts';

const directory = makeTempDirectory();
const stands: Stand[] = [];
let front: Front;
let client: Client;

const stand = (number: number): Stand => stands[number] as Stand;
const idEndingIn = (digit: string): string => `3f2504e0-4f89-41d3-9a0c-0305e82c330${digit}`;
const payment = (id: string, bytes = 0): string =>
  `{"correlationId":"${id}","amount":19.90}`.padEnd(bytes, ' ');
const post = (body: string) => client.send('POST', '/payments', { body });
const takenBy = async (body: string): Promise<string> => {
  const { status, headers } = await post(body);
  return status === 202 ? String(headers['x-instance']) : `status ${status}`;
};

before(async () => {
  for (const number of [0, 1, 2]) stands.push(new Stand(directory, number));
  for (const each of stands) await each.open();
  const paths = stands.slice(0, 2).map(({ path }) => path);
  front = await Front.start(directory, paths);
  client = new Client(front.url);
});

after(async () => {
  client.close();
  await front.close();
  for (const each of stands) await each.shut();
});

beforeEach(async () => {
  for (const each of stands) await each.open();
  await waitUntil('both take payments', async () => {
    return (
      (await takenBy(payment(idEndingIn('0')))) === '0' &&
      (await takenBy(payment(idEndingIn('1')))) === '1'
    );
  });
});

test('a payment goes to the owner of its id, for each of the sixteen last digits', async () => {
  for (const digit of '0123456789abcdefABCDEF') {
    const owner = String(parseInt(digit, 16) % 2);
    for (let repeat = 0; repeat < 5; repeat++) {
      assert.equal(await takenBy(payment(idEndingIn(digit))), owner, `digit ${digit}`);
    }
  }
});

test('the owner is found however the JSON is laid out', async () => {
  const id = idEndingIn('1');
  for (const body of [
    `{"amount":1,"correlationId":"${id}"}`,
    `{\n  "amount": 1,\n  "correlationId" :\t"${id}"\n}`,
    payment(id.toUpperCase()),
    payment(id).padStart(4096),
  ]) {
    assert.equal(await takenBy(body), '1', body);
  }
});

test('three instances share the digits by their remainder', async () => {
  const ownDirectory = makeTempDirectory();
  const three = await Front.start(
    ownDirectory,
    stands.map(({ path }) => path),
  );
  const caller = new Client(three.url);
  try {
    for (const digit of '0123456789abcdef') {
      const body = payment(idEndingIn(digit));
      const { headers } = await caller.send('POST', '/payments', { body });
      assert.equal(headers['x-instance'], String(parseInt(digit, 16) % 3), `digit ${digit}`);
    }
  } finally {
    caller.close();
    await three.close();
  }
});

test('a body without an id, and a request without a body, go anywhere', async () => {
  const takers = new Set<string>();
  await waitUntil('both instances took one', async () => {
    takers.add(await takenBy('{"correlationId":"not-an-id"}'));
    takers.add(String((await client.send('GET', '/payments-summary')).headers['x-instance']));
    return takers.size === 2;
  });
  assert.deepEqual([...takers].toSorted(), ['0', '1']);
});

test('connections to the instances are kept', async () => {
  const [before0, before1] = [stand(0).connections, stand(1).connections];
  for (let count = 0; count < 100; count++) {
    await post(payment(idEndingIn((count % 16).toString(16))));
  }
  assert.ok(stand(0).connections - before0 <= 1 && stand(1).connections - before1 <= 1);
});

test('a body of 4096 bytes passes unchanged, and one more is refused as JSON', async () => {
  const largest = payment(idEndingIn('0'), 4096);
  assert.equal(await takenBy(largest), '0');
  assert.equal(stand(0).bodies.at(-1), largest);
  const { status, headers, body } = await post(`${largest} `);
  assert.equal(status, 413);
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(body), {
    error: 'body too large',
    reason: 'must have at most 4096 bytes',
  });
});

test('a body in chunks is refused at the same size', async () => {
  const headers = { 'transfer-encoding': 'chunked' };
  const body = payment(idEndingIn('1'), 4096);
  const fits = await client.send('POST', '/payments', { body, headers });
  assert.equal(fits.headers['x-instance'], '1');
  const tooLarge = await client.send('POST', '/payments', { body: `${body} `, headers });
  assert.equal(tooLarge.status, 413);
});

test('what is internal is not there', async () => {
  for (const path of [
    '/internal/status',
    '/internal',
    '//internal/status',
    '/x/../internal/status',
    '/%69nternal/status',
  ]) {
    const { status, body } = await client.send('GET', path);
    assert.equal(status, 404, path);
    assert.deepEqual(JSON.parse(body), { error: 'not found' });
  }
});

test('what is not HTTP, and an endless address, are refused as JSON', async () => {
  assert.match(
    await sendRaw('NONSENSE\r\n\r\n'),
    /^HTTP\/1\.1 400 .*application\/json.*\{"error":"bad request"/s,
  );
  const endless = await client.send('GET', `/${'x'.repeat(10_000)}`);
  assert.equal(endless.status, 414);
  assert.equal(typeof (JSON.parse(endless.body) as { error: string }).error, 'string');
});

test('while the owner is down the other one takes its payments, and gives them back within moments', async () => {
  await stand(0).shut();
  for (let count = 0; count < 10; count++)
    assert.equal(await takenBy(payment(idEndingIn('0'))), '1');
  await stand(0).open();
  await waitUntil(
    'the owner takes them again',
    async () => (await takenBy(payment(idEndingIn('0')))) === '0',
  );
});

test('while all are down it is 503 with Retry-After, and over as soon as one is back', async () => {
  await stand(0).shut();
  await stand(1).shut();
  const { status, headers, body } = await post(payment(idEndingIn('0')));
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.equal((JSON.parse(body) as { error: string }).error, 'unavailable');
  // Though nginx leaves both alone for the rest of the second.
  await stand(1).open();
  assert.equal(await takenBy(payment(idEndingIn('0'))), '1');
});

/** All that comes back until the connection ends. */
function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(front.url);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(received));
  });
}
