// A processor that promises nothing (OUTCOMES strict): a failure after its commit is never taken
// for proof that it holds nothing, nor is a gateway's 200 taken for a charge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOfStatus } from '../../src/gateways/outcome.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS } from './rude-fixture.ts';
import { answering } from './rude-server.ts';

const ALL = Array.from({ length: 500 }, (_, n) => n + 100);

test('no 5xx, no redirect, no other 2xx and no 4xx that may come after the work proves anything', () => {
  const unknown = ALL.filter((status) => outcomeOfStatus(status, 'strict') === 'unknown');
  const proofs = ALL.filter((status) => !unknown.includes(status));
  const refusals = [400, 401, 402, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 425, 426, 428];
  assert.deepEqual(new Set(proofs), new Set([200, 422, 429, ...refusals, 431, 451]));
  for (const status of [406, 408, 409, 423, 424, 460, 499, 500, 501, 502, 503, 504, 520, 599]) {
    assert.ok(unknown.includes(status), String(status));
  }
});

test('what strict takes for proof, contest takes for the same', () => {
  for (const status of ALL) {
    const strict = outcomeOfStatus(status, 'strict');
    if (strict !== 'unknown') assert.equal(outcomeOfStatus(status, 'contest'), strict);
  }
});

test('the rule is the one that was set, and the outcome comes with what was said', async (context) => {
  for (const [status, body, strict, contest] of [
    [200, '{}', 'charged', 'charged'],
    [200, '<html>', 'unknown', 'charged'],
    [200, '{"error":"declined"}', 'unknown', 'charged'],
    [500, '{"message":"oops"}', 'unknown', 'declined'],
    [503, 'busy', 'unknown', 'declined'],
    [499, '', 'unknown', 'refused'],
    [401, 'who are you?', 'refused', 'refused'],
    [422, 'duplicate', 'duplicate', 'duplicate'],
  ] as const) {
    for (const [outcomes, outcome] of [
      ['strict', strict],
      ['contest', contest],
    ] as const) {
      const { server, processor } = await meetRudeServer(context, { outcomes });
      server.behave = answering(status, body);
      const answered = await processor.charge(chargeNumber(1), PATIENCE_MS);
      const said = outcome === 'charged' ? '' : body;
      assert.deepEqual(answered, { outcome, status, said }, `${status} ${outcomes}`);
    }
  }
});
