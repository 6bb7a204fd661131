// What an answer proves, by the rule that is set for its processor. With OUTCOMES strict, a failure
// after the processor's commit never proves that it stores nothing, nor a gateway's 200 a charge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOfStatus, type OutcomeRule } from '../../src/gateways/outcome.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS } from './rude-fixture.ts';
import { answering } from './rude-server.ts';

const ALL = Array.from({ length: 500 }, (_, n) => n + 100);
const SURE = { charged: [200], duplicate: [422], busy: [429] };
const SAID_BEFORE_WORK = [
  400, 401, 402, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 425, 426,
];
const MAYBE_AFTER_WORK = [408, 409];
const refusals = ALL.filter((status) => status >= 400 && status < 500);
const isNone = (statuses: readonly number[]) => (status: number) => !statuses.includes(status);

const PROOFS = {
  contest: {
    ...SURE,
    declined: [500, 501, 503],
    refused: refusals.filter(isNone([...MAYBE_AFTER_WORK, 422, 429])),
  },
  strict: { ...SURE, refused: [...SAID_BEFORE_WORK, 428, 431, 451] },
};

for (const rule of ['contest', 'strict'] as const satisfies readonly OutcomeRule[]) {
  test(`by the rule ${rule} a few statuses prove something, and all others nothing`, () => {
    const proofs: Record<string, number[]> = {};
    for (const status of ALL) {
      const outcome = outcomeOfStatus(status, rule);
      if (outcome !== 'unknown') (proofs[outcome] ??= []).push(status);
    }
    assert.deepEqual(proofs, PROOFS[rule]);
  });
}

test('a processor goes by the rule that is set for it, and keeps what was said', async (context) => {
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
      const excerpt = outcome === 'charged' ? '' : body;
      assert.deepEqual(answered, { outcome, status, excerpt }, `${status} ${outcomes}`);
    }
  }
});
