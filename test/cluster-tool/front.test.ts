// nginx on two hosts of a cluster: where no instance listens on a host, another host's take its
// payments.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { Stand } from '../system/stand.ts';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { Front } from '../world/front.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';

interface Host {
  readonly stand: Stand;
  readonly front: Front;
  readonly client: Client;
  /** Where it serves the other host. */
  readonly forOthers: string;
}

const hosts: Host[] = [];
const host = (number: 0 | 1): Host => hosts[number] as Host;
const pay = ({ client }: Host) => client.pay(randomUUID(), '19.90');
const takenBy = async (at: Host): Promise<unknown> => (await pay(at)).headers['x-instance'];

before(async () => {
  const addresses = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  for (const number of [0, 1]) {
    const directory = makeTempDirectory();
    const stand = new Stand(directory, number);
    const listen = addresses[number] as string;
    const others = { listen, addresses: addresses.filter((address) => address !== listen) };
    // The second socket is that of a spare: nobody listens there.
    const sockets = [join(directory, 'spare.sock'), stand.path];
    await stand.open();
    const front = await Front.start(directory, sockets, { others });
    hosts.push({ stand, front, client: new Client(front.url), forOthers: listen });
  }
});

after(async () => {
  for (const { stand, front, client } of hosts) {
    client.close();
    await front.close();
    await stand.shut();
  }
});

beforeEach(async () => {
  for (const [number, each] of hosts.entries()) {
    await each.stand.open();
    await waitUntil('its own instance takes payments', async () => {
      return (await takenBy(each)) === String(number);
    });
  }
});

test("a host's own instances take its payments, whatever their ids", async () => {
  for (const digit of '0123456789abcdef') {
    const id = `3f2504e0-4f89-41d3-9a0c-0305e82c330${digit}`;
    const { headers } = await host(1).client.pay(id, '19.90');
    assert.equal(headers['x-instance'], '1');
  }
});

test('where no instance listens, another host takes every payment at once', async () => {
  await host(0).stand.shut();
  for (let payment = 0; payment < 20; payment++) {
    const { status, headers } = await pay(host(0));
    assert.equal(status, 202);
    assert.equal(headers['x-instance'], '1');
  }
  await host(0).stand.open();
  await waitUntil('its own instance is asked again', async () => (await takenBy(host(0))) === '0');
});

test('where no instance listens on any host, it is a 503 and goes round in no circle', async () => {
  await host(0).stand.shut();
  await host(1).stand.shut();
  for (const each of hosts) {
    const { status, headers } = await pay(each);
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '5');
  }
});

test('what instances tell each other is open to no other host', async () => {
  const { client } = host(0);
  assert.equal((await client.send('GET', '/internal/status')).status, 404);
  const inner = new Client(`http://${host(0).forOthers}`);
  assert.equal((await inner.send('GET', '/internal/status')).status, 404);
  assert.equal((await inner.pay(randomUUID(), '19.90')).status, 202);
  inner.close();
});
