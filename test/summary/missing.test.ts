// A summary that would lack a charged payment is a 503 with Retry-After and the reason, whichever
// instance is asked. As soon as all is recorded it is a 200 again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';
import { holdPayments } from '../world/anomalies.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

const random = new Random();
const accepted: AcceptedPayment[] = [];
let world: World;

before(async () => {
  console.log(`SEED=${SEED}`);
  const environment = {
    RING_SLOTS: '5000',
    TIMEOUT_DEFAULT_MS: '300',
    TIMEOUT_SLACK_MS: '300',
    // Nothing is recorded because a statement is given up.
    LEDGER_TIMEOUT_MS: '2000',
  };
  world = await openWorld({ environment });
});
after(() => world.close());

async function pay(owner: 0 | 1, cents = 1990): Promise<string> {
  const id = `${idToText(random.id()).slice(0, -1)}${owner}`;
  const amount = (cents / 100).toFixed(2);
  assert.equal((await world.instance(owner).client.pay(id, amount)).status, 202);
  accepted.push({ id, cents });
  return id;
}

/** Asks the instance until it says that this is missing. */
async function lacks(asked: 0 | 1, reason: RegExp): Promise<void> {
  await waitUntil(`${reason} is the answer of ${asked}`, async () => {
    const { client } = world.instance(asked);
    const { status, headers, body } = await client.send('GET', '/payments-summary');
    // Before the payment is charged nothing is missing.
    if (status === 200) return false;
    assert.equal(status, 503, body);
    assert.equal(headers['retry-after'], '1');
    return reason.test((JSON.parse(body) as { reason: string }).reason);
  });
}

async function hasAll(asked: 0 | 1): Promise<void> {
  await waitUntil(`instance ${asked} has all of them`, async () => {
    const { default: first, fallback } = await world.instance(asked).client.summary();
    return first.totalRequests + fallback.totalRequests === accepted.length;
  });
}

test(`what is charged and can't be recorded now is missing at every instance, until it is recorded ${AGAIN}`, async () => {
  const held = await holdPayments(world.databaseUrl);
  await pay(0);
  await lacks(0, /^instance 0: not all that is charged is recorded yet$/);
  await lacks(1, /^instance 0: not all that is charged is recorded yet$/);
  // nginx passes on what an instance says, and asks no other one.
  const { status, headers, body } = await world.client.send('GET', '/payments-summary');
  assert.deepEqual([status, headers['retry-after']], [503, '1']);
  assert.match(body, /"reason":"instance 0: not all/);
  await held.release();
  await hasAll(0);
  await hasAll(1);
});

test(`while an instance is away, what it charged last may be missing ${AGAIN}`, async () => {
  await world.instance(1).kill();
  await lacks(0, /^instance 1: it does not answer$/);
  await world.instance(1).restart();
  await hasAll(0);
});

test(`after a restart what may have been acknowledged before it is missing until it is known ${AGAIN}`, async () => {
  await world.default.levers.setFault({ kind: 'hang-after-insert', lookups: true });
  await pay(0);
  await waitUntil('it is unknown', async () => (await world.instance(0).status()).unknown === 1);
  // An unknown outcome was acknowledged to nobody: it takes no summary away.
  assert.equal((await world.client.send('GET', '/payments-summary')).status, 200);
  await world.instance(0).kill();
  await world.instance(0).restart();
  for (const asked of [0, 1] as const) {
    await lacks(asked, /^instance 0: what a restart found is not known yet$/);
  }
  await world.default.levers.setFault({ kind: 'none' });
  await hasAll(0);
  await hasAll(1);
});

test(`after a restart a payment that its processor does not hold makes no summary fail ${AGAIN}`, async () => {
  const charged = accepted.length;
  await world.default.levers.setFault({ kind: 'hang' });
  await pay(0);
  await waitUntil('it is unknown', async () => (await world.instance(0).status()).unknown === 1);
  await world.instance(0).kill();
  await world.instance(0).restart();
  await waitUntil('a summary is made without it', async () => {
    const { default: first, fallback } = await world.instance(0).client.summary();
    return first.totalRequests + fallback.totalRequests === charged;
  });
  await world.default.levers.setFault({ kind: 'none' });
  await hasAll(1);
});

test(`a row that the ledger refuses is missing until it is recorded, and payments go on ${AGAIN}`, async () => {
  const run = (text: string): Promise<unknown> => query(world.databaseUrl, text);
  await run('ALTER TABLE payments ADD CONSTRAINT forbidden CHECK (amount_cents <> 1313)');
  await pay(1, 1313);
  await lacks(0, /^instance 1: the ledger refuses a row of what is charged$/);
  await pay(0);
  await pay(1);
  await run('ALTER TABLE payments DROP CONSTRAINT forbidden');
  // It is tried again every half minute, and after a restart at once.
  await world.instance(1).kill();
  await world.instance(1).restart();
  await hasAll(0);
  await audit(world, accepted);
});
