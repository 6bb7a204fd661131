// Ways in which the program could be wrong. The simulation must notice each of them; only then does
// a simulation without a failure prove something.

import { FILTER_MUTATIONS } from './filter-mutations.ts';
import { LEDGER_MUTATIONS } from './ledger-mutations.ts';
import { OPERATOR_MUTATIONS } from './operator-mutations.ts';
import { one, type Mutation } from './mutation.ts';
import { SHARD_MUTATIONS } from './shard-mutations.ts';

export const MUTATIONS: readonly Mutation[] = [
  // The journal
  one(
    'hold writes nothing',
    'buffer/journal.js',
    'if (this.#sequences[slot] === 0) this.#writeBoth(slot, state); else this.#write(slot, state);',
    '',
  ),
  one(
    'pin writes nothing',
    'buffer/journal.js',
    'this.#write(slot, STATE_PINNED + this.#pinOf(slot));',
    '',
  ),
  one(
    'release writes nothing',
    'buffer/journal.js',
    'this.#writeBoth(slot, STATE_FREE); else this.#write(slot, STATE_FREE);',
    ';',
  ),
  one(
    'the pin is lost on recovery',
    'buffer/journal.js',
    'this.#ring.pin(holder, processor, requestedAtMs);',
    '',
  ),
  one(
    'a torn cell is believed',
    'buffer/journal-cell.js',
    'words[0] === crc32(bytes.subarray(4)) && words[2]',
    'words[2]',
  ),
  one(
    'a 202 waits for no sync',
    'intake/admission.js',
    "return safe?.then((isSafe) => (isSafe ? answer : 'late')) ?? answer;",
    'return answer;',
  ),
  one(
    'an attempt waits for no sync',
    'consumers/attempt.js',
    'breaker.sent(); await journal.synced();',
    'breaker.sent();',
  ),
  one(
    'an unpinned payment goes elsewhere without a sync',
    'consumers/attempt.js',
    'await journal.synced(); const declines',
    'const declines',
  ),
  one('a stop leaves the journal unsynced', 'engine.js', 'await this.journal.onDisk();', ';'),
  // Outcomes
  one(
    'a time-out is taken for declined',
    'consumers/attempt.js',
    'switch (outcome) {',
    "switch (outcome === 'unknown' ? 'declined' : outcome) {",
  ),
  one(
    'an unknown one goes to the other processor',
    'consumers/attempt.js',
    'switch (outcome) {',
    "if (outcome === 'unknown') { ring.pin(slot, 1 - processor, clock.now()); journal.pin(slot); } switch (outcome) {",
  ),
  one('any 5xx is taken for declined', 'gateways/outcome.js', 'status === 503', 'status > 503'),
  one("a stranger's 500 is taken for proof", 'gateways/outcome.js', "rule === 'strict'", 'false'),
  one('any body confirms a 200', 'gateways/payment-answer.js', '= parseObject(text);', '= {};'),
  one(
    'a declined repetition is taken for proof',
    'consumers/reconciler.js',
    "if (outcome === 'charged')",
    `if (outcome === 'declined') {
            this.unknowns.end(unknown, false);
            this.#parts.ring.unpin(unknown.slot);
            this.#parts.ring.enqueue(unknown.slot);
            return;
        }
        if (outcome === 'charged')`,
  ),
  one(
    'a repetition has a time of its own',
    'consumers/reconciler.js',
    'this.#client.charge(unknown.charge, this.#timeoutMs())',
    'this.#client.charge({ ...unknown.charge, requestedAtMs: clock.now() }, this.#timeoutMs())',
  ),
  // One payment's trouble
  {
    name: 'one payment that fails makes a processor failing, again and again',
    patches: [
      {
        file: 'gateways/circuit-breaker.js',
        from: 'const FAILURES_MIN = 3;',
        to: 'const FAILURES_MIN = 1;',
      },
      {
        file: 'gateways/circuit-breaker.js',
        from: 'const FAILURES_MAX = 96;',
        to: 'const FAILURES_MAX = 1;',
      },
      {
        file: 'consumers/attempt.js',
        from: "signal === 'success' || (failedAt & (1 << processor)) === 0",
        to: 'true',
      },
    ],
  },
  one(
    'a process that is busy sends less than comes in, though CPU is left',
    'consumers/sending-rate.js',
    'const isEarned = this.#earned >= 1;',
    'const isEarned = false;',
  ),
  one(
    'an unknown outcome is asked about seldom',
    'consumers/unknown-payment.js',
    'const ASK_EVERY_MS = 500;',
    'const ASK_EVERY_MS = 7_000;',
  ),
  one(
    'a ledger that lost a payment is believed',
    'intake/admission.js',
    "wasKnown ? 'in doubt' : 'queue'",
    "'queue'",
  ),
  one(
    'the other cell of a damaged one is believed',
    'buffer/journal.js',
    'state === STATE_DOUBTFUL || !isWhole',
    'state === STATE_DOUBTFUL',
  ),
  ...FILTER_MUTATIONS,
  ...LEDGER_MUTATIONS,
  ...OPERATOR_MUTATIONS,
  ...SHARD_MUTATIONS,
  // Repeats
  one(
    'the Bloom filter is believed before it is complete',
    'intake/admission.js',
    'settledIds.complete && !settledIds.mayHave(id)',
    '!settledIds.mayHave(id)',
  ),
  one(
    'settled ids are not added to the Bloom filter',
    'buffer/held-payments.js',
    'settledIds.add(ring.ids, slot * 4);',
    '',
  ),
  one(
    'no answer of the ledger is taken for absent',
    'intake/admission.js',
    "settled === 'unknown' ? 'verifier' :",
    '',
  ),
  // Two guards keep an old answer from being believed; each does so without the other.
  {
    name: 'an answer of the ledger is believed though it is old',
    patches: [
      { file: 'buffer/held-payments.js', from: 'if (lookup.isAsking)', to: 'if (false)' },
      {
        file: 'intake/admission.js',
        from: 'if (!wasKnown && settledIds.mayHave(id))',
        to: 'if (false)',
      },
    ],
  },
  {
    name: 'questions to the ledger are not shared, nor answered when the payment is settled',
    patches: [
      {
        file: 'ledger/settled-lookup.js',
        from: 'const known = this.#asked.get(correlationId) ?? this.#waiting.get(correlationId);',
        to: `return this.#ledger.find([correlationId]).then(([row]) => row?.amountCents ?? 'absent', () => 'unknown');
        const known = undefined;`,
      },
      {
        file: 'intake/admission.js',
        from: 'if (!wasKnown && settledIds.mayHave(id))',
        to: 'if (false)',
      },
    ],
  },
  one(
    'the ledger is not asked again after a restart',
    'intake/verifier.js',
    'if (entry === undefined)',
    'if (true)',
  ),
  one('a known id is not looked for', 'intake/admission.js', 'if (live >= 0)', 'if (false)'),
  // Several instances
  one(
    'whoever takes a payment sends it',
    'intake/admission.js',
    'if (instances > 1 && ownerOf(id, instances) !== instance)',
    'if (false)',
  ),
  one(
    'a hand-over is released before its owner has it',
    'intake/hand-over.js',
    "if (offered !== 'away')",
    'if (true)',
  ),
  one(
    'the ring fills up with payments of others',
    'intake/hand-over.js',
    'return this.pending + others <',
    'return this.pending < 0 ||',
  ),
];
