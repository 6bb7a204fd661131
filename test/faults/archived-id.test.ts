// An id whose row was archived is known, to instances that run meanwhile and to those that start
// later, with the file of settled ids or without: its payment is not charged again. That stays so
// after its month was detached and dropped.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { chargedAt } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';
import { operate } from './operating.ts';

const { world, random } = await openStage();
const ids = Array.from({ length: 8 }, () => idToText(random.id()));

const settled = (): Promise<unknown> =>
  waitUntil('all is settled', async () => {
    const held = await Promise.all(world.instances.map((instance) => instance.status()));
    return held.every((status) => status.held === 0);
  });

async function payAll(amount: string): Promise<number[]> {
  const clients = [world.client, ...world.instances.map(({ client }) => client)];
  const replies = await Promise.all(
    clients.flatMap((client) => ids.map((id) => client.pay(id, amount))),
  );
  return [...new Set(replies.map(({ status }) => status))];
}

const archive = (...words: string[]) => operate(world, world.instance(0), ...words);

/** By instances that run, and by instances that start with the file of settled ids or without. */
async function stayKnown(): Promise<void> {
  for (const start of ['none', 'with the file', 'without the file']) {
    for (const instance of start === 'none' ? [] : world.instances) {
      await instance.kill();
      if (start === 'without the file') rmSync(`${instance.journalPath}.filter`);
      await instance.restart();
    }
    await waitUntil('each id is known', async () => (await payAll('19.90')).join() === '202');
    assert.deepEqual(await payAll('19.91'), [409]);
    await settled();
    assert.deepEqual(await chargedAt(world), { default: 0, fallback: 0 });
  }
}

test(`an archived payment is not charged again, by an instance that runs or by one that starts ${AGAIN}`, async () => {
  assert.deepEqual(await payAll('19.90'), [202]);
  await settled();
  const summed = await world.client.summary();
  // Months pass. The processors forget, so that whatever is sent to one shows.
  await query(
    world.databaseUrl,
    `UPDATE payments SET requested_at = '2025-07-31 23:59:59.999Z'::timestamptz`,
  );
  for (const { levers } of world.processors) await levers.purge();
  const { code, words } = await archive('archive', '--before', '2025-08');
  assert.equal(code, 0, words);
  assert.match(words, /archived 8 rows in/);
  assert.deepEqual(await query(world.databaseUrl, 'SELECT FROM payments'), []);
  await stayKnown();
  assert.deepEqual(await world.client.summary(), summed);
});

const cut = (field: 'from' | 'to', end: string): object => ({
  error: 'bad request',
  field,
  reason: `must be the ${end} millisecond of a second: the rows of its month are detached`,
});

test('a range that needs the rows of a detached month is a 400 that says which end', async () => {
  const everything = await world.client.summary();
  const { code, words } = await archive('detach', '2025-07');
  assert.equal(code, 0, words);
  assert.match(words, /is the table archived_payments_2025_07 by itself/);
  const MONTH = { from: '2025-07-01T00:00:00.000Z', to: '2025-07-31T23:59:59.999Z' };
  for (const { client } of [world, ...world.instances]) {
    const ask = async (from: string, to: string): Promise<unknown> => {
      const { status, body } = await client.send('GET', `/payments-summary?from=${from}&to=${to}`);
      return status === 200 ? status : [status, JSON.parse(body)];
    };
    const [inFrom, inTo] = ['2025-07-09T12:00:00.001Z', '2025-07-09T12:34:59.998Z'];
    assert.deepEqual(await ask(inFrom, MONTH.to), [400, cut('from', 'first')]);
    assert.deepEqual(await ask(MONTH.from, inTo), [400, cut('to', 'last')]);
    assert.deepEqual(await ask(inFrom, '2025-08-01T00:00:00.500Z'), [400, cut('from', 'first')]);
    assert.deepEqual(await ask('2025-06-30T23:59:59.5Z', inTo), [400, cut('to', 'last')]);
    // Whole seconds are sums, and so are parts of a second of other months rows.
    assert.equal(await ask(MONTH.from, MONTH.to), 200);
    assert.equal(await ask('2025-07-31T23:59:59Z', '2025-08-01T00:00:00.500Z'), 200);
    assert.equal(await ask('2025-06-30T23:59:59.5Z', '2025-07-09T12:00:00.999Z'), 200);
    assert.deepEqual(await client.summary(), everything);
  }
});

test(`a payment of a month that was detached and dropped is not charged again ${AGAIN}`, async () => {
  const again = await archive('detach', '2025-07');
  assert.equal(again.code, 1);
  assert.match(again.words, /is detached already/);
  await query(world.databaseUrl, 'DROP TABLE archived_payments_2025_07');
  await stayKnown();
});
