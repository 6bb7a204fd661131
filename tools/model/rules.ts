// The protocol's rules, in three parts. Each is the name of a switch in model/cluster.pml that
// leaves the rule out, and what the rule says. Without a rule Spin must find a run that breaks a
// promise; otherwise the rule is not needed, or the model is too weak to show why it is.

import type { Budget } from './spin.ts';

const PROTOCOL = {
  ANSWER_BEFORE_COMMIT: 'a 202 is sent only after the commit',
  SEND_BEFORE_COMMIT: "a request leaves only after its pin's commit",
  MOVE_UNKNOWN: 'a payment of unknown outcome keeps its pin',
  MOVE_FOUND_PIN: 'a found pin is never moved to the other processor',
  SEND_AFTER_UNPIN: 'a payment whose unpin may be committed is not sent before it is',
  FREE_BEFORE_ROW: 'a slot is freed only after the ledger has the row',
  ROW_WITHOUT_STANDBY: "the row's commit waits for the standby",
  BELIEVE_SAME_ROW: 'a row that was there already waits for the standby, too',
  BELIEVE_READ_ROW: 'a row that was only read is recorded again before its slot is freed',
  HOLD_WITHOUT_ASKING: 'an id that may be settled is looked up in the ledger first',
  COMMIT_WITHOUT_STANDBY: "the journal's commit waits for the standby",
  WRITE_WITHOUT_LOCK: 'a process writes only in the session that has the lock',
  END_NO_SESSION: 'a takeover ends the old session first',
  END_OWNERS_SESSION: "it ends the lock's session, even if that is not the owner's",
  READ_BEFORE_LOCK: 'cells are read only after the lock is taken',
  READ_WITHOUT_STANDBY: 'the read waits until the standby has what is read',
  RETAKE_ANY_EPOCH: 'a process retakes the lock only with its own epoch',
  TRUST_UNACKNOWLEDGED: 'what was not acknowledged is committed again under the lock',
} as const;

/** What keeps a slot's payments apart, and the states of one slot. */
const REUSE = {
  REUSE_BEFORE_ROW: "a slot is used again only after the ledger has its payment's row",
  JOIN_COMMIT: 'a write waits for a commit that began after it',
  REPEAT_LATER: 'a commit of unknown fate is repeated before the next one',
  RETAKE_BESIDE_OLD_SESSION: 'a process that retakes the lock ends its old session first',
} as const;

/** What holds after the database went back to an earlier state. Operators keep the last two. */
const RESTORE = {
  TRUST_MOVED_CELLS: 'cells of another database are in doubt unless they have a pin',
  HOME_BEFORE_DOUBT: "the cells are the new database's own only with the doubt in them",
  ASK_ONE_PROCESSOR: 'both processors are asked about a payment in doubt',
  BELIEVE_EARLY_ABSENCE: '"absent" is believed only when no earlier request may arrive',
  SEND_FOUND_PIN: 'what is found is looked up in the ledger before it is sent again',
  RESTORE_BESIDE_OWNER: 'all processes are stopped before a backup is restored',
  REPAIR_EARLY: 'the ledger is repaired only when no earlier request may arrive',
} as const;

export const RULES = { ...PROTOCOL, ...REUSE, ...RESTORE } as const;

export type Rule = keyof typeof RULES;

/** The smallest model in which each rule of the part is needed. */
const WITHOUT_A_RULE = {
  protocol: { payments: 1, slots: 1, faults: 3, troubles: 2, restores: 0 },
  reuse: { payments: 2, slots: 1, faults: 2, troubles: 0, restores: 0 },
  restore: { payments: 1, slots: 1, faults: 1, troubles: 1, restores: 1 },
} as const satisfies Record<string, Budget>;

export function budgetWithout(rule: Rule): Budget {
  if (rule in REUSE) return WITHOUT_A_RULE.reuse;
  return rule in RESTORE ? WITHOUT_A_RULE.restore : WITHOUT_A_RULE.protocol;
}

/**
 * Left out, it changes nothing: the next pin's commit replaces the cell, and nothing leaves before
 * that commit. The file's journal needs the rule, since it writes a slot's two cells in turn.
 */
export const NEEDLESS_RULE = 'NO_UNPIN';
