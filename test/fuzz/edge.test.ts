// The HTTP edge, straight on an instance's socket and through nginx, under bytes that no good
// client sends. SEED repeats a run, FUZZ_SECONDS makes it longer. What must hold: nothing crashes
// or hangs, no 5xx but those that are meant, a good client is served all the while; and in the end
// each 202 is one charge of the payment that was sent, and nothing else was charged.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, type NetConnectOpts } from 'node:net';
import { after, before, test } from 'node:test';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { processorEntries } from '../world/books.ts';
import { Client } from '../world/client.ts';
import { openWorld, type World } from '../world/world.ts';
import { nextCase } from './cases.ts';
import { oneOf } from './framing.ts';
import { playAll, say, SECONDS, TIMEOUT, type Played } from './play-all.ts';

const random = new Random();
let world: World;

before(async () => {
  console.log(`SEED=${SEED} FUZZ_SECONDS=${SECONDS}`);
  world = await openWorld();
});
after(() => world.close());

const places = (): readonly NetConnectOpts[] => {
  const front = { host: '127.0.0.1', port: Number(new URL(world.front.url).port) };
  return [front, ...world.instances.map(({ socketPath }) => ({ path: socketPath })), front];
};

/** A good client's payments, one after the other at each place, until `isOver`. */
async function payOn(isOver: () => boolean): Promise<AcceptedPayment[]> {
  const paid: AcceptedPayment[] = [];
  const clients = [world.front.url, ...world.instances.map(({ socketPath }) => socketPath)];
  const one = async (address: string): Promise<void> => {
    const client = new Client(address);
    while (!isOver()) {
      const id = randomUUID();
      const { status, body } = await client.pay(id, '19.90');
      assert.equal(status, 202, `a good client got ${status} ${body} ${AGAIN}`);
      paid.push({ id, cents: 1_990 });
    }
    client.close();
  };
  await Promise.all(clients.map(one));
  return paid;
}

/** Connections that stay without a whole request; resolves with what each got until its end. */
function stayOpen(): Promise<string[]> {
  const starts = [
    '',
    'POST /paym',
    'POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{"co',
  ];
  const all = places().flatMap((to) => starts.map((start) => ({ to, start })));
  const one = ({ to, start }: (typeof all)[number]): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect(to, () => socket.write(start));
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(text));
    });
  return Promise.all(all.map(one));
}

/** Sorts what was sent into payments that are accepted for certain, and those that may be. */
function sort(played: readonly Played[]): Record<'accepted' | 'maybe', AcceptedPayment[]> {
  const accepted: AcceptedPayment[] = [];
  const maybe: AcceptedPayment[] = [];
  for (const { sent, to, answers, isComplete } of played) {
    const taken = answers.filter(({ status }) => status === 202).length;
    const got = answers.map(({ status, body }) => `${status} ${body}`).join(', ');
    const about = `${got || 'nothing'} (${isComplete}) from ${JSON.stringify(to)} for ${say(sent)}`;
    assert.ok(taken <= sent.payments.length, about);
    if (sent.isWhole) assert.equal(taken, sent.payments.length, about);
    if (taken === sent.payments.length) accepted.push(...sent.payments);
    else if (taken > 0 || !isComplete) maybe.push(...sent.payments);
  }
  return { accepted, maybe };
}

test(
  'whatever bytes come, each 202 is one charge, and good clients are served',
  TIMEOUT,
  async () => {
    let isOver = false;
    const good = payOn(() => isOver);
    const silent = stayOpen();
    const played = await playAll(
      () => nextCase(random),
      () => oneOf(random, places()),
    ).finally(() => {
      isOver = true;
    });
    const paid = await good;
    const { accepted, maybe } = sort(played);
    await audit(world, [...accepted, ...paid], { maybe });
    const charged = await processorEntries(world);
    for (const { sent, answers, isComplete } of played) {
      if (!isComplete) continue;
      const held = sent.payments.filter(({ id }) => charged.has(id)).length;
      assert.equal(answers.filter(({ status }) => status === 202).length, held, say(sent));
    }
    for (const text of await silent) assert.doesNotMatch(text, /^HTTP\/1\.1 (2|5)/);
    assert.doesNotMatch(world.front.log(), /exited on signal/);
    for (const instance of world.instances) {
      assert.ok(instance.program.running);
      assert.equal(instance.said('fatal'), 0);
    }
    assert.ok(accepted.length > 0 && played.length > accepted.length / 4);
    const names = new Set(played.map(({ sent }) => sent.name));
    console.log(`${played.length} cases of ${names.size} kinds, ${accepted.length} accepted`);
  },
);
