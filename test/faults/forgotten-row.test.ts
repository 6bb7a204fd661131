// The ledger lost a committed row, as after a restored backup or a failover to a copy that was
// behind. The id comes again: both processors are asked before anything is sent, and the row is
// recorded again with the processor's values.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FALLBACK, idToText } from '../../src/payment.ts';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { anomaliesIn } from '../world/anomalies.ts';
import { audit, chargedAt, type AcceptedPayment } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const { world, random } = await openStage({
  front: false,
  environment: { TIMEOUT_FALLBACK_MS: '1000', TIMEOUT_SLACK_MS: '500', TIMEOUT_MAX_MS: '1000' },
});
const [owner, other] = [world.instance(0), world.instance(1)];
const CENTS = 777;

/** Of the first instance. */
const newId = (): string => `${idToText(random.id()).slice(0, -1)}0`;

/** A payment that fallback holds and the ledger lost, while default would take it. */
async function lost(): Promise<AcceptedPayment> {
  const payment = { id: newId(), cents: CENTS };
  await world.default.levers.setFault({ kind: 'status', status: 400, amountCents: CENTS });
  assert.equal((await owner.client.pay(payment.id, '7.77')).status, 202);
  await waitUntil('it is settled', async () => (await owner.status()).held === 0);
  await heal(world.processors);
  const [row] = await query<{ processor: number }>(
    world.databaseUrl,
    'DELETE FROM payments WHERE correlation_id = $1 RETURNING processor',
    [payment.id],
  );
  assert.equal(row?.processor, FALLBACK);
  await query(world.databaseUrl, 'DELETE FROM batch_sums; DELETE FROM payment_sums');
  return payment;
}

const begin = async (): Promise<void> => {
  // Default is known to work: what it refuses next is refused for what it is.
  assert.equal((await owner.client.pay(newId(), '19.90')).status, 202);
  await waitUntil('it is settled', async () => (await owner.status()).held === 0);
  assert.equal((await owner.client.send('POST', '/purge-payments')).status, 200);
  for (const { levers } of world.processors) await levers.purge();
};

test(`a payment whose row was lost and whose id comes again, to its owner or another instance, is not charged again ${AGAIN}`, async () => {
  for (const asked of [owner, other]) {
    await begin();
    const payment = await lost();
    assert.equal((await asked.client.pay(payment.id, '7.77')).status, 202);
    await audit(world, [payment]);
    assert.deepEqual(await chargedAt(world), { default: 0, fallback: 1 });
    const [anomaly] = await anomaliesIn(world.databaseUrl);
    assert.equal(anomaly?.id, payment.id);
    assert.equal(anomaly?.kind, 'charged and not recorded');
    const names = (line: string): boolean =>
      line.includes(payment.id) && line.includes(anomaly.kind);
    await waitUntil('the log says so', () => owner.lines.some(names));
  }
});

test(`a payment stays in doubt through a kill -9 before a processor has answered ${AGAIN}`, async () => {
  await begin();
  const payment = await lost();
  for (const { levers } of world.processors) await levers.setFault({ kind: 'hang', lookups: true });
  assert.equal((await owner.client.pay(payment.id, '7.77')).status, 202);
  await waitUntil('it is in doubt', async () => (await owner.status()).doubtful === 1);
  await owner.kill();
  await heal(world.processors);
  await owner.restart();
  await audit(world, [payment]);
  assert.deepEqual(await chargedAt(world), { default: 0, fallback: 1 });
});

test(`a payment in doubt that no processor holds is charged like any other ${AGAIN}`, async () => {
  await begin();
  const payment = await lost();
  await world.fallback.levers.purge();
  assert.equal((await owner.client.pay(payment.id, '7.77')).status, 202);
  await audit(world, [payment]);
  assert.deepEqual(await chargedAt(world), { default: 1, fallback: 0 });
});
