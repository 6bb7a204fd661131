// The ledger and a processor, or the ledger and the accepted payment, disagree. Each such payment
// is in the log and in the table of anomalies with its id and what each side says. It is not sent
// because of it, and delays no other payment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnomalyKind } from '../../src/ledger/anomaly.ts';
import { FALLBACK, idToText, type LedgerRow } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { anomaliesIn, holdPayments, recordByHand } from '../world/anomalies.ts';
import { chargedAt } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const REQUESTED_AT_MS = 1_752_500_000_123;
const { world, random } = await openStage({
  instances: 1,
  front: false,
  // An absent payment is asked about for as long as the longest attempt may last.
  environment: {
    TIMEOUT_FALLBACK_MS: '300',
    TIMEOUT_SLACK_MS: '300',
    TIMEOUT_MAX_MS: '300',
    LEDGER_TIMEOUT_MS: '2000',
  },
});
const instance = world.instance(0);

const byHand = (correlationId: string): LedgerRow => ({
  correlationId,
  processor: FALLBACK,
  amountCents: 777,
  requestedAtMs: REQUESTED_AT_MS,
});
const RECORDED = {
  processor: 'fallback',
  amountCents: 777,
  requestedAt: new Date(REQUESTED_AT_MS).toISOString(),
};

async function accept(id: string, amount: string): Promise<void> {
  assert.equal((await world.client.pay(id, amount)).status, 202);
}

const allFree = (): Promise<unknown> =>
  waitUntil('no payment is held', async () => (await instance.status()).held === 0);

const kindsOf = async (id: string): Promise<AnomalyKind[]> =>
  (await anomaliesIn(world.databaseUrl)).filter((kept) => kept.id === id).map(({ kind }) => kind);

/** The line of the log with this event and id. */
async function logged(event: string, id: string): Promise<Record<string, unknown>> {
  const [line, ...more] = await waitUntil(`"${event}" of ${id} is in the log`, () => {
    const lines = instance.lines.filter((one) => one.includes(event) && one.includes(id));
    return lines.length > 0 ? lines : undefined;
  });
  assert.deepEqual(more, []);
  return JSON.parse(line as string) as Record<string, unknown>;
}

test(`a payment that is charged while the ledger has it elsewhere is found when it is recorded ${AGAIN}`, async () => {
  const id = idToText(random.id());
  // Once it is held, the ledger isn't asked about it any more.
  for (const { levers } of world.processors) await levers.setFailing(true);
  await accept(id, '19.90');
  await recordByHand(world.databaseUrl, byHand(id));
  await world.default.levers.setFailing(false);
  await accept(idToText(random.id()), '1.00');
  await allFree();
  await world.fallback.levers.setFailing(false);
  const [anomaly] = await anomaliesIn(world.databaseUrl);
  const [charge] = (await world.default.levers.payments()).filter((of) => of.correlationId === id);
  const charged = {
    processor: 'default',
    amountCents: 1990,
    requestedAt: new Date(charge?.requestedAt ?? 0).toISOString(),
  };
  const kind = 'charged at both processors';
  assert.deepEqual(anomaly, { id, kind, accepted: {}, charged, recorded: RECORDED, instance: 0 });
  const line = await logged(kind, id);
  assert.deepEqual(
    [line['level'], line['charged'], line['recorded']],
    ['error', charged, RECORDED],
  );
  assert.equal((await instance.status()).anomalies, 1);
  const { fallback } = await world.client.summary();
  assert.deepEqual(fallback, { totalRequests: 1, totalAmount: 7.77 }, 'its row stays as it was');
});

test(`a restart that finds a payment pinned to the processor that holds it, and recorded elsewhere, says so ${AGAIN}`, async () => {
  const id = idToText(random.id());
  const held = await holdPayments(world.databaseUrl);
  await accept(id, '19.90');
  const atDefault = (await chargedAt(world)).default;
  await waitUntil('it is charged, not recorded', async () => {
    return (await instance.status()).unrecorded === 1;
  });
  await instance.kill();
  // What it had sent is not to be recorded after its end.
  await waitUntil('its statement is ended', async () => {
    const mine = `application_name LIKE 'repasse-writer%'`;
    const text = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${mine}`;
    return (await query(world.databaseUrl, text)).length === 0;
  });
  await held.release();
  await recordByHand(world.databaseUrl, byHand(id));
  await instance.restart();
  await allFree();
  assert.deepEqual(await kindsOf(id), [
    'settled with another amount',
    'charged at both processors',
  ]);
  const line = await logged('charged at both processors', id);
  assert.equal((line['charged'] as { amountCents: number }).amountCents, 1990);
  assert.ok((await chargedAt(world)).default <= atDefault + 1, 'it was not sent again');
  // Found again it is the same finding.
  await instance.kill();
  await instance.restart();
  await allFree();
  assert.equal((await kindsOf(id)).length, 2);
});

test(`a recorded payment that its pinned processor does not hold is another kind of anomaly, and is not sent there ${AGAIN}`, async () => {
  const id = idToText(random.id());
  const before = await chargedAt(world);
  await world.default.levers.setFault({ kind: 'hang', lookups: true });
  await accept(id, '7.77');
  await waitUntil('its outcome is unknown', async () => (await instance.status()).unknown === 1);
  await instance.kill();
  await recordByHand(world.databaseUrl, byHand(id));
  await instance.restart();
  await waitUntil('the processor is asked', async () => (await instance.status()).checking === 1);
  assert.deepEqual(await kindsOf(id), [], 'nothing is claimed that is not known');
  await world.default.levers.setFault({ kind: 'none' });
  await allFree();
  assert.deepEqual(await kindsOf(id), ['recorded at another processor']);
  const line = await logged('recorded at another processor', id);
  assert.equal((line['accepted'] as { processor: string }).processor, 'default');
  assert.deepEqual(line['recorded'], RECORDED);
  assert.deepEqual(await chargedAt(world), before);
});

test(`each payment that was accepted with another amount than it is settled with is found ${AGAIN}`, async () => {
  const ids = Array.from({ length: 50 }, () => idToText(random.id()));
  for (const id of ids) await accept(id, '19.90');
  await allFree();
  const before = await chargedAt(world);
  await world.database.kill();
  for (const id of ids) await accept(id, '20.00');
  await world.database.restart();
  await allFree();
  const kept = await anomaliesIn(world.databaseUrl);
  for (const id of ids) {
    const [anomaly, ...more] = kept.filter((of) => of.id === id);
    assert.equal(anomaly?.kind, 'settled with another amount');
    assert.deepEqual(anomaly.accepted, { amountCents: 2000 });
    assert.equal(anomaly.recorded.amountCents, 1990);
    assert.equal(more.length, 0);
    await logged('settled with another amount', id);
  }
  assert.deepEqual(await chargedAt(world), before, 'none was sent again');
});

test('a purge forgets the anomalies with the payments', async () => {
  assert.equal((await world.client.send('POST', '/purge-payments')).status, 200);
  assert.deepEqual(await anomaliesIn(world.databaseUrl), []);
});
