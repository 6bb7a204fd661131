// The audit of a soak agrees with books that agree, and names each payment that is lost, charged
// twice, or recorded otherwise.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decimalFromCents } from '../../src/cents.ts';
import { auditSoak } from '../../tools/soak/books.ts';
import { ACCEPTED, MAYBE, paymentOf } from '../../tools/soak/payment-series.ts';
import { query } from '../world/database.ts';
import { openWorld, type World } from '../world/world.ts';

const SEED = 7;
const PAYMENTS = 200;
/** Sent, and never answered. */
const UNANSWERED = 5;
const outcomes = new Uint8Array(PAYMENTS + UNANSWERED).fill(ACCEPTED, 0, PAYMENTS);
outcomes.fill(MAYBE, PAYMENTS);
const sinceMs = Date.now();

let world: World;
before(async () => {
  world = await openWorld({ front: false });
  for (let n = 0; n < PAYMENTS; n++) {
    const { id, cents } = paymentOf(SEED, n);
    assert.equal((await world.client.pay(id, decimalFromCents(cents))).status, 202);
  }
});
after(() => world.close());

const run = (): Promise<void> => auditSoak(world, { seed: SEED, outcomes, sinceMs }, 60_000);

const finds = (n: number, what: string): Promise<void> =>
  assert.rejects(run(), ({ message }: Error) =>
    message.includes(`${paymentOf(SEED, n).id} ${what}`),
  );

async function chargeAt(processor: 0 | 1, n: number, cents: number): Promise<void> {
  const amount = decimalFromCents(cents);
  const requestedAt = new Date().toISOString();
  await fetch(`${world.processors[processor].url}/payments`, {
    method: 'POST',
    body: `{"correlationId":"${paymentOf(SEED, n).id}","amount":${amount},"requestedAt":"${requestedAt}"}`,
  });
}

test('books that agree pass, with payments that were never answered', run);

test('a row that says something else is named', async () => {
  const { id } = paymentOf(SEED, 3);
  const change = (by: string): Promise<unknown> =>
    query(world.databaseUrl, `UPDATE payments SET ${by} WHERE correlation_id = $1`, [id]);
  await change(`requested_at = requested_at + interval '1 ms'`);
  await finds(3, 'the ledger says something else');
  await change(`requested_at = requested_at - interval '1 ms'`);
  await change('amount_cents = amount_cents + 1');
  await finds(3, 'has ');
  await change('amount_cents = amount_cents - 1');
  await run();
});

test('a payment that is at both processors, or at one with other cents, is named', async () => {
  await chargeAt(1, 7, paymentOf(SEED, 7).cents);
  await finds(7, 'is charged twice');
  await chargeAt(0, PAYMENTS, paymentOf(SEED, PAYMENTS).cents + 1);
  await finds(PAYMENTS, 'has ');
});

test('a payment that was accepted and is nowhere is named', async () => {
  outcomes[PAYMENTS + 1] = ACCEPTED;
  await finds(PAYMENTS + 1, 'was accepted and is charged nowhere');
});
