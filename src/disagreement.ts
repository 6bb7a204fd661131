// What can stand between an instance and the others or the ledger, in words for the log and for
// clients.

/** Why this instance takes and sends nothing. */
export interface Disagreement {
  /** ledger: what it says isn't said of our payments. */
  readonly about: 'ledger' | 'place' | 'peer';
  readonly reason: string;
  /** What we go by, and what the other side says. */
  readonly here: string;
  readonly there: string;
  readonly wayOn: string;
}

/** What an instance says of itself. */
export interface Identity {
  readonly instance: number;
  readonly instances: number;
  readonly ledgerId: string;
  readonly isPlaced: boolean;
}

interface Entry {
  readonly journal: string;
  readonly state: string;
  readonly held: number;
}

/** A journal's id as the ledger has it. */
export function journalText(journalId: number): string {
  return String(journalId);
}

export function placeText(instance: number, instances: number): string {
  return `instance ${instance} of ${instances}`;
}

export function otherLedger(here: string, there?: string): Disagreement {
  return {
    about: 'ledger',
    reason:
      there === undefined
        ? 'the ledger was emptied: the journal belongs to an earlier one'
        : 'the journal belongs to another ledger',
    here: `journal: ledger ${here || 'none'}`,
    there: `DATABASE_URL: ledger ${there ?? 'none'}`,
    wayOn: 'the right DATABASE_URL; or stop this instance and "npm run operate -- adopt"',
  };
}

export function otherCount(here: string, instances: number): Disagreement {
  return {
    about: 'place',
    reason: 'the ledger is registered for another number of instances',
    here: `PEER_SOCKET_PATHS: ${here}`,
    there: `ledger: ${instances} instances`,
    wayOn: '"npm run operate -- count <number>", or the right PEER_SOCKET_PATHS',
  };
}

export function wentBack(mark: number, ledgerMark: number | undefined): Disagreement {
  return {
    about: 'ledger',
    reason: 'the ledger went back in time: settled payments may be missing in it',
    here: `journal: mark ${mark}`,
    there: `ledger: mark ${ledgerMark ?? 'none'}`,
    wayOn:
      'the newer ledger; or stop this instance and "npm run operate -- adopt", then compare the books with the processors',
  };
}

export function otherJournal(
  here: string,
  { journal, state, held }: Entry,
  instance: number,
): Disagreement {
  return {
    about: 'place',
    reason: 'the ledger knows another journal of this instance, which may hold payments',
    here: `journal ${here}`,
    there: `ledger: journal ${journal}, ${state}, ${held} held at its latest mark`,
    wayOn: `the other JOURNAL_PATH; or, if that journal is lost, "npm run operate -- lost ${instance}"`,
  };
}

export function occupied(here: string, instance: number, journal = 'not known'): Disagreement {
  return {
    about: 'place',
    reason: 'another copy of this instance runs',
    here,
    there: `ledger: its place is taken, journal ${journal}`,
    wayOn: `stop this one; or, if it is to go on, stop the other one and "npm run operate -- lost ${instance}"`,
  };
}

export function taken(here: string): Disagreement {
  return {
    about: 'place',
    reason:
      'another process has the place of this instance: in half a minute it is clear whether it runs',
    here,
    there: 'ledger: its place is locked',
    wayOn: 'wait; or, if a copy runs elsewhere, stop one of the two',
  };
}

export function olderCopy(mark: number, ledgerMark: number, instance: number): Disagreement {
  return {
    about: 'place',
    reason: 'the journal is an older copy: payments that were taken since are not in it',
    here: `journal: mark ${mark}`,
    there: `ledger: mark ${ledgerMark}`,
    wayOn: `the newest JOURNAL_PATH; or, if that journal is lost, "npm run operate -- lost ${instance}"`,
  };
}

/** `meant` is who we take the other instance for, `told` what it says. */
export function otherPeer(meant: Omit<Identity, 'isPlaced'>, told: Identity): Disagreement {
  return {
    about: 'peer',
    reason: 'another instance says that it has another place or ledger',
    here: `PEER_SOCKET_PATHS: it is ${identityText(meant)}`,
    there: `it says: ${identityText(told)}`,
    wayOn: 'the same PEER_SOCKET_PATHS and DATABASE_URL for all instances',
  };
}

function identityText({ instance, instances, ledgerId }: Omit<Identity, 'isPlaced'>): string {
  return `${placeText(instance, instances)}, ledger ${ledgerId || 'not known yet'}`;
}

/** Instead of a journal's id: the operator has said that the journal is lost. */
export const LOST = 'lost';

export function isLost(journal: string): boolean {
  return journal === LOST;
}
