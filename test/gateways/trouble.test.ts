// What operators are told of a circuit breaker that is open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CircuitBreaker } from '../../src/gateways/circuit-breaker.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

test('what nobody uses and is well by its health report is no trouble, though it stays open', async () => {
  const clock = new VirtualClock();
  const breaker = new CircuitBreaker(clock, { feeBps: 500, inFlightMax: 5, probeEveryMs: 250 });
  const fail = (): void => breaker.ended(breaker.sent(), 1, 'failure');
  for (let n = 0; n < 3; n++) fail();
  await clock.advance(20_000);
  assert.equal(breaker.troubleForMs, 20_000, 'no report says that it is well');
  breaker.reported(false, 0);
  assert.equal(breaker.troubleForMs, 0);
  assert.equal(breaker.isFailing, true);
  // Its health is good, and yet it fails.
  fail();
  assert.equal(breaker.troubleForMs, 20_000);
  await clock.advance(6_000);
  breaker.reported(true, 0);
  assert.equal(breaker.troubleForMs, 26_000);
});
