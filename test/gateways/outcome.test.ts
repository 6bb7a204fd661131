// What a status proves, for every status that there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOfStatus, type Outcome } from '../../src/gateways/outcome.ts';

const ALL = Array.from({ length: 500 }, (_, n) => n + 100);
const statusesOf = (outcome: Outcome): number[] =>
  ALL.filter((status) => outcomeOfStatus(status, 'contest') === outcome);

test('only a 200 is a charge, and only a 422 a duplicate', () => {
  assert.deepEqual(statusesOf('charged'), [200]);
  assert.deepEqual(statusesOf('duplicate'), [422]);
});

test('only a 429 says that it is too much at once', () => {
  assert.deepEqual(statusesOf('busy'), [429]);
});

test('a decline is the failure that a processor answers instead of the work, a refusal is one before it', () => {
  assert.deepEqual(statusesOf('declined'), [500, 501, 503]);
  const refusals = ALL.filter((s) => s >= 400 && s < 500 && ![408, 409, 422, 429].includes(s));
  assert.deepEqual(statusesOf('refused'), refusals);
});

test('whatever else is said proves nothing: other 2xx, redirects, a gateway that lost the processor', () => {
  const unknown = new Set(statusesOf('unknown'));
  for (const status of ALL.filter((s) => s < 400 && s !== 200)) assert.ok(unknown.has(status));
  for (const status of [408, 409, 502, 504, 505, 520, 599]) assert.ok(unknown.has(status));
  assert.equal(
    unknown.size + 3 + statusesOf('declined').length + statusesOf('refused').length,
    ALL.length,
  );
});
