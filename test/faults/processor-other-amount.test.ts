// A processor holds another amount under an id than was accepted: it answers 422, and the ledger
// records what the processor holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnomalyKind } from '../../src/ledger/anomaly.ts';
import { idToText } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { anomaliesIn } from '../world/anomalies.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { Client } from '../world/client.ts';
import { openWorld } from '../world/world.ts';

/** Where an anomaly of this kind has the amount that the processor holds. */
const CENTS_IN: Readonly<Partial<Record<AnomalyKind, 'charged' | 'recorded'>>> = {
  'processor holds another amount': 'charged',
  'settled with another amount': 'recorded',
};

test(`after a 422 the ledger has the processor's cents and time, whatever was accepted ${AGAIN}`, async () => {
  const random = new Random();
  await using world = await openWorld({ front: false, environment: { RING_SLOTS: '5000' } });
  const processor = new Client(world.default.url);
  const held: AcceptedPayment[] = [];
  for (let n = 0; n < 20; n++) {
    const id = idToText(random.id());
    const cents = 100 + random.below(1_000);
    // A time without its zone is how the contest's processors give it back.
    const requestedAt = new Date(Date.UTC(2025, 0, 1) + random.below(1e9)).toISOString();
    const body = JSON.stringify({ correlationId: id, amount: cents / 100, requestedAt });
    assert.equal((await processor.send('POST', '/payments', { body })).status, 200);
    held.push({ id, cents });
  }
  processor.close();
  for (const [n, { id }] of held.entries()) {
    const client = world.instance(n % 2).client;
    assert.equal((await client.pay(id, '99.99')).status, 202);
  }
  // An instance dies in the middle of it.
  await world.instance(0).kill();
  await world.instance(0).restart();
  await audit(world, held);
  const said = world.instances.map((instance) => instance.said('processor holds another amount'));
  assert.ok(
    said.some((times) => times > 0),
    'it is in the log',
  );
  const kept = await anomaliesIn(world.databaseUrl);
  for (const { id, cents } of held) {
    // If an instance dies once the payment is recorded, its restart finds the other amount in the
    // ledger, and reports that as well, or instead.
    const found = kept.filter((of) => of.id === id);
    assert.notEqual(found.length, 0, id);
    for (const anomaly of found) {
      const place = CENTS_IN[anomaly.kind];
      assert.ok(place, `${id}: ${anomaly.kind}`);
      assert.equal(anomaly.accepted.amountCents, 9_999, id);
      assert.equal(anomaly[place].amountCents, cents, id);
    }
  }
  const { status } = await world.client.pay(held[0]?.id as string, '99.99');
  assert.equal(status, 409, 'the settled amount is what counts from then on');
});
