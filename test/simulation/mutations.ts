// Ways in which the program could be wrong, as changes of its compiled text. The simulation has to notice each of them: that is
// what shows that its silence means something.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_MUTATIONS } from './ledger-mutations.ts';
import { one, type Mutation } from './mutation.ts';

export const MUTATIONS: readonly Mutation[] = [
  // The journal
  one(
    'hold writes nothing',
    'buffer/journal.js',
    'if (this.#sequences[slot] === 0)\n            this.#writeBoth(slot, state);\n        else\n            this.#write(slot, state);',
    '',
  ),
  one('pin writes nothing', 'buffer/journal.js', 'this.#write(slot, STATE_PINNED + pin);', ''),
  one(
    'free writes nothing',
    'buffer/journal.js',
    'if (this.#sequences[slot] === 0)\n            this.#writeBoth(slot, STATE_FREE);\n        else\n            this.#write(slot, STATE_FREE);',
    '',
  ),
  one(
    'the pin is forgotten on recovery',
    'buffer/journal.js',
    'this.#ring.pin(holder, processor, requestedAtMs);',
    '',
  ),
  one(
    'a torn cell is believed',
    'buffer/journal-cell.js',
    'words[0] === crc32(bytes.subarray(4)) &&\n        words[2]',
    'words[2]',
  ),
  one(
    'a 202 waits for no sync',
    'buffer/admission.js',
    'return this.#parts.synced()?.then(() => answer) ?? answer;',
    'return answer;',
  ),
  one(
    'an attempt waits for no sync',
    'consumers/attempt.js',
    'lane.sent();\n        await journal.synced();',
    'lane.sent();',
  ),
  one(
    'giving back waits for no sync',
    'consumers/attempt.js',
    'half-written.\n        await journal.synced();',
    '\n',
  ),
  one('a stop leaves the journal unsynced', 'engine.js', 'await this.onDisk();', ';'),
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
    "if (outcome === 'unknown') { ring.pin(slot, 1 - processor, clock.now()); journal.pin(slot); }\nswitch (outcome) {",
  ),
  one('any 5xx is taken for declined', 'gateways/outcome.js', 'status === 503', 'status > 503'),
  one("a stranger's 500 is taken for proof", 'gateways/outcome.js', "rule === 'strict'", 'false'),
  one('any body confirms a 200', 'gateways/held-payment.js', '= parseObject(text);', '= {};'),
  one(
    'a declined repetition is taken for proof',
    'consumers/reconciler.js',
    "if (outcome === 'charged')",
    `if (outcome === 'declined') {
            unknown.isSettled = true;
            this.#unknowns.settle(unknown);
            this.#parts.ring.unpin(unknown.slot);
            this.#parts.ring.enqueue(unknown.slot);
            return;
        }
        if (outcome === 'charged')`,
  ),
  one(
    'a repetition has a time of its own',
    'consumers/reconciler.js',
    'client.charge(unknown.charge, timeoutMs())',
    'client.charge({ ...unknown.charge, requestedAtMs: clock.now() }, timeoutMs())',
  ),
  // One payment's trouble
  {
    name: 'one payment that fails makes a processor failing, again and again',
    patches: [
      {
        file: 'gateways/lane.js',
        from: 'const FAILURES_LEAST = 3;',
        to: 'const FAILURES_LEAST = 1;',
      },
      {
        file: 'gateways/lane.js',
        from: 'const FAILURES_MOST = 96;',
        to: 'const FAILURES_MOST = 1;',
      },
      {
        file: 'consumers/attempt.js',
        from: "news === 'works' || (failedAt & (1 << processor)) === 0",
        to: 'true',
      },
    ],
  },
  one(
    'a process that is held up sends less, whatever CPU is left',
    'consumers/pace.js',
    'if (lateMs < LATE_MS || !isBusy ||',
    'if (lateMs < LATE_MS ||',
  ),
  one(
    'an unknown outcome is asked about seldom',
    'consumers/unknown-payment.js',
    'const ASK_EVERY_MS = 500;',
    'const ASK_EVERY_MS = 7_000;',
  ),
  one(
    'a ledger that forgot a payment is believed',
    'buffer/admission.js',
    'wasRemembered ? onDoubtful : onClear',
    'onClear',
  ),
  one(
    'the other cell of a damaged one is believed',
    'buffer/journal.js',
    'state === STATE_DOUBTFUL || !isWhole',
    'state === STATE_DOUBTFUL',
  ),
  ...LEDGER_MUTATIONS,
  // Repeats
  one(
    'the memory of settled ids is believed before it is complete',
    'buffer/intake.js',
    'settled.complete && !settled.mayHave(id)',
    '!settled.mayHave(id)',
  ),
  one('settled ids are not remembered', 'buffer/intake.js', 'settled.add(ring.ids, slot * 4);', ''),
  one(
    'no answer of the ledger is taken for absent',
    'buffer/admission.js',
    "if (settled === 'unknown')",
    'if (false)',
  ),
  {
    name: 'an answer of the ledger is believed though it is old',
    patches: [
      { file: 'pipeline.js', from: 'if (this.#lookup.isAsking)', to: 'if (false)' },
      {
        file: 'buffer/admission.js',
        from: 'if (!wasRemembered && intake.remembers(id))',
        to: 'if (false)',
      },
    ],
  },
  {
    name: 'questions to the ledger are not shared, nor answered by a settling',
    patches: [
      {
        file: 'ledger/settled-lookup.js',
        from: 'const known = this.#asked.get(correlationId) ?? this.#waiting.get(correlationId);',
        to: `return this.#find([correlationId]).then(([row]) => row?.amountCents ?? 'absent', () => 'unknown');
        const known = undefined;`,
      },
      {
        file: 'buffer/admission.js',
        from: 'if (!wasRemembered && intake.remembers(id))',
        to: 'if (false)',
      },
    ],
  },
  one(
    'a settling does not answer open questions',
    'pipeline.js',
    'if (this.#lookup.isAsking)',
    'if (false)',
  ),
  one(
    'the ledger is not asked again after a restart',
    'recovery/verifier.js',
    'if (row === undefined)',
    'if (true)',
  ),
  one('a known id is not looked for', 'buffer/intake.js', 'if (live >= 0)', 'if (false)'),
  // Several instances
  one(
    'whoever takes a payment sends it',
    'buffer/intake.js',
    'if (instances > 1 && ownerOf(id, instances) !== instance)',
    'if (false)',
  ),
  one(
    'a hand-over is freed before its owner has it',
    'consumers/hand-over.js',
    "if (offered === 'accepted' || offered === 'conflict')",
    'if (true)',
  ),
  one(
    'the ring fills up with payments of others',
    'consumers/hand-over.js',
    'return this.pending + others <',
    'return this.pending < 0 ||',
  ),
];

/** Changes the compiled program in `dist`. @throws when it doesn't look as expected */
export function mutate(dist: string, { name, patches }: Mutation): void {
  for (const { file, from, to } of patches) {
    const path = join(dist, 'src', file);
    const parts = readFileSync(path, 'utf8').split(from);
    if (parts.length !== 2) {
      throw new Error(`mutation "${name}": ${file} has ${parts.length - 1} times: ${from}`);
    }
    writeFileSync(path, parts.join(to));
  }
}
