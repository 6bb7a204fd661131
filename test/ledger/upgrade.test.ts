// A ledger that version 0.1.0 made and filled is taken over with its data: the owner of the tables
// upgrades it, and instances with the rights of run time go on with it. Its summaries are exact,
// and its payments are known.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { decimalFromCents } from '../../src/cents.ts';
import { idToText, processorName, type LedgerRow, type ProcessorIndex } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { operate } from '../faults/operating.ts';
import { environmentOf, reconcile } from '../reconcile/books-fixture.ts';
import { audit, chargedAt, type AcceptedPayment } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { openWorld, type World } from '../world/world.ts';

const ROLE = 'repasse_instance';
const ROWS = 2_000;
const DAY_MS = 86_400_000;
const NOON_MS = Date.UTC(2025, 6, 15, 12);

const random = new Random();
/** In one hour, the last of a year: on and beside the edges of seconds, minutes and hours. */
const rows: readonly LedgerRow[] = Array.from({ length: ROWS }, (_, n) => ({
  correlationId: idToText(random.id()),
  processor: random.below(2) as ProcessorIndex,
  amountCents: n % 100 === 0 ? 9_000_000_000_000 : 1 + random.below(100_000),
  requestedAtMs: NOON_MS + (n % 4 === 0 ? 1_000 : 1) * random.below(3_600_000),
}));
const paid: AcceptedPayment[] = rows.map(({ correlationId: id, amountCents: cents }) => {
  return { id, cents };
});

let world: World;
before(async () => {
  world = await openWorld({ front: false });
  for (const instance of world.instances) await instance.kill('SIGTERM');
  await query(world.databaseUrl, 'DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await query(world.databaseUrl, readFileSync('test/ledger/schema-0.1.0.sql', 'utf8'));
  await recordAsBefore();
  await Promise.all(rows.map(charge));
  await query(
    world.databaseUrl,
    `CREATE ROLE ${ROLE} LOGIN; GRANT USAGE ON SCHEMA public TO ${ROLE}`,
  );
});
after(() => world.close());

/** Rows and their sums, as version 0.1.0 wrote them. */
async function recordAsBefore(): Promise<void> {
  await query(
    world.databaseUrl,
    `INSERT INTO payments SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::timestamptz[])`,
    [
      rows.map(({ correlationId }) => correlationId),
      rows.map(({ processor }) => processor),
      rows.map(({ amountCents }) => amountCents),
      rows.map(({ requestedAtMs }) => new Date(requestedAtMs).toISOString()),
    ],
  );
  await query(
    world.databaseUrl,
    `INSERT INTO payments_per_second
     SELECT processor, date_trunc('second', requested_at), count(*), sum(amount_cents)
     FROM payments GROUP BY 1, 2`,
  );
}

async function charge({
  correlationId,
  processor,
  amountCents,
  requestedAtMs,
}: LedgerRow): Promise<void> {
  const requestedAt = new Date(requestedAtMs).toISOString();
  const answer = await fetch(`${world.processors[processor].url}/payments`, {
    method: 'POST',
    body: `{"correlationId":"${correlationId}","amount":${decimalFromCents(amountCents)},"requestedAt":"${requestedAt}"}`,
  });
  assert.equal(answer.status, 200);
}

async function summaryIs(fromMs: number, toMs: number): Promise<void> {
  const from = new Date(fromMs).toISOString();
  const to = new Date(toMs).toISOString();
  const path = `/payments-summary?from=${from}&to=${to}`;
  const { status, body } = await world.client.send('GET', path);
  assert.equal(status, 200, body);
  for (const processor of [0, 1] as const) {
    const within = rows.filter(
      (row) =>
        row.processor === processor && row.requestedAtMs >= fromMs && row.requestedAtMs <= toMs,
    );
    const cents = within.reduce((sum, { amountCents }) => sum + BigInt(amountCents), 0n);
    const amount = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
    const expected = `"${processorName(processor)}":{"totalRequests":${within.length},"totalAmount":${amount}}`;
    assert.ok(body.includes(expected), `${path}: ${body} has no ${expected}`);
  }
}

test(`it is upgraded by its owner, and goes on with the rights of run time ${AGAIN}`, async () => {
  const [first] = world.instances;
  assert.ok(first);
  const { code, words } = await operate(world, first, 'tables', '--for', ROLE);
  assert.equal(code, 0, words);
  assert.match(words, /made \d+ of \d+ steps/);
  const DATABASE_URL = world.databaseUrl.replace(/\/\/\w+@/, `//${ROLE}@`);
  for (const instance of world.instances) {
    // The world's own ledger is gone, and so is what its journals belong to.
    await instance.restart({ DATABASE_URL, JOURNAL_PATH: `${instance.journalPath}.upgraded` });
  }
  for (const instance of world.instances) {
    await instance.becomes('agreed');
    assert.equal(instance.said('ledger unusable'), 0);
  }
  await audit(world, paid);
});

test(`its summaries are exact, with every kind of edge ${AGAIN}`, async () => {
  await summaryIs(NOON_MS - DAY_MS, NOON_MS + DAY_MS);
  await summaryIs(NOON_MS, NOON_MS + 3_599_999);
  for (let n = 0; n < 40; n++) {
    const unit = [1, 1_000, 60_000][n % 3] as number;
    const edges = [random.below(3_600_000), random.below(3_600_000)].map(
      (ms) => NOON_MS + Math.floor(ms / unit) * unit,
    );
    await summaryIs(Math.min(...edges), Math.max(...edges));
  }
});

test(`its payments are known: a repeat is not charged, and another amount is refused ${AGAIN}`, async () => {
  const earlier = await chargedAt(world);
  for (const [n, { id, cents }] of paid.slice(0, 100).entries()) {
    const { client } = world.instance(n % 2);
    assert.equal((await client.pay(id, decimalFromCents(cents))).status, 202);
    assert.equal((await client.pay(id, decimalFromCents(cents + 1))).status, 409);
  }
  const fresh = Array.from({ length: 20 }, () => ({ id: idToText(random.id()), cents: 1_990 }));
  for (const { id } of fresh) assert.equal((await world.client.pay(id, '19.90')).status, 202);
  await audit(world, [...paid, ...fresh]);
  const now = await chargedAt(world);
  assert.equal(now.default + now.fallback, earlier.default + earlier.fallback + fresh.length);
  const compared = await reconcile(
    environmentOf(world),
    '--json',
    '--margin',
    '0',
    '--rate',
    '10000',
  );
  assert.equal(compared.code, 0, compared.output);
});
