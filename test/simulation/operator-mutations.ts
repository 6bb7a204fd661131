// Mutations of what operators do.

import { one, type Mutation } from './mutation.ts';

export const OPERATOR_MUTATIONS: readonly Mutation[] = [
  one(
    'the journal does not know what is given up',
    'settlement/giving-up.js',
    'journal.giveUp(slot, mayBeCharged); await journal.synced();',
    '',
  ),
  one(
    'a given-up payment is released before the ledger knows',
    'settlement/giving-up.js',
    "if ((await this.#record(payment)) === 'settled')",
    'void this.#record(payment); if (this === undefined)',
  ),
  one(
    'a given-up id is forgotten',
    'buffer/held-payments.js',
    "if (settled !== 'not settled')",
    "if (typeof settled === 'number')",
  ),
  one(
    'the ledger has given-up payments, and nobody looks',
    'ledger/settled-lookup.js',
    "isGivenUp(entry) ? 'given up' : entry.amountCents",
    "isGivenUp(entry) ? 'absent' : entry.amountCents",
  ),
  one(
    'a start sends what is given up',
    'intake/verifier.js',
    'else if (isGivenUp(entry)) givingUp.end(slot, entry);',
    'else if (isGivenUp(entry)) this.#goOn(slot);',
  ),
  one(
    'a start forgets what was being given up',
    'intake/verifier.js',
    'if (chargeState >= GIVEN_UP)',
    'if (false)',
  ),
  one(
    'what may be charged is given up like anything else',
    'operator/levers.js',
    'const isOpen = this.#isOpen(now);',
    'const isOpen = false;',
  ),
  one(
    'an unknown payment may be sent to the other processor',
    'operator/levers.js',
    "if (stage === 'queued') sent = dispatcher.sendNow(slot, processor);",
    "if (stage === 'queued') sent = dispatcher.sendNow(slot, processor); if (stage === 'at a processor') sent = this.#parts.engine.attempts.run(slot, processor);",
  ),
];
