// The disagreements that an instance can have with the ledger or with another instance, in words
// for the log and for clients.

import type { Identity } from '../gateways/peer.ts';
import type { InstanceEntry } from '../ledger/register.ts';

/** Why this instance accepts and sends no payments. */
export interface Disagreement {
  /**
   * - ledger: it is another ledger than the journal belongs to, or it went back in time.
   * - place: another process or journal has this instance's place, or may have it.
   * - peer: another instance has other settings.
   */
  readonly about: 'ledger' | 'place' | 'peer';
  readonly reason: string;
  /** What this instance has. */
  readonly here: string;
  /** What the other side has. */
  readonly there: string;
  /** What an operator can do. */
  readonly wayOn: string;
}

/** A journal's id as the ledger stores it. */
export function journalText(journalId: number): string {
  return String(journalId);
}

export function placeText(instance: number, instances: number): string {
  return `instance ${instance} of ${instances}`;
}

const ADOPT = '"npm run operate -- adopt" (with JOURNAL=table, "adopt <shard>" for each)';
const lostCommand = (instance: number): string => `"npm run operate -- lost ${instance}"`;

export function otherLedger(here: string, there?: string): Disagreement {
  return {
    about: 'ledger',
    reason:
      there === undefined
        ? 'the ledger was emptied: the journal belongs to an earlier one'
        : 'the journal belongs to another ledger',
    here: `journal: ledger ${here || 'none'}`,
    there: `DATABASE_URL: ledger ${there ?? 'none'}`,
    wayOn: `the right DATABASE_URL; or stop this instance and ${ADOPT}`,
  };
}

export function otherCount(here: string, instances: number): Disagreement {
  return {
    about: 'place',
    reason: 'the ledger is registered for another number of instances',
    here: `PEER_SOCKET_PATHS or SHARDS: ${here}`,
    there: `ledger: ${instances} instances`,
    wayOn: '"npm run operate -- count <number>", or the right PEER_SOCKET_PATHS or SHARDS',
  };
}

export function wentBack(mark: number, ledgerMark: number | undefined): Disagreement {
  return {
    about: 'ledger',
    reason: 'the ledger went back in time: settled payments may be missing in it',
    here: `journal: mark ${mark}`,
    there: `ledger: mark ${ledgerMark ?? 'none'}`,
    wayOn:
      `the newer ledger; or stop this instance and ${ADOPT}, ` +
      'then compare the books with the processors',
  };
}

export function otherJournal(
  here: string,
  { journal, state, held }: InstanceEntry,
  instance: number,
): Disagreement {
  return {
    about: 'place',
    reason: 'the ledger knows another journal of this instance, which may hold payments',
    here: `journal ${here}`,
    there: `ledger: journal ${journal}, ${state}, ${held} held at its latest mark`,
    wayOn: `the other JOURNAL_PATH, or the database of that journal; or, if that journal is lost, ${lostCommand(instance)}`,
  };
}

export function otherCopyRuns(here: string, instance: number, journal = 'not known'): Disagreement {
  return {
    about: 'place',
    reason: 'another copy of this instance runs',
    here,
    there: `ledger: its place is taken, journal ${journal}`,
    wayOn: `stop this one; or stop the other one and ${lostCommand(instance)}`,
  };
}

export function lockTaken(here: string): Disagreement {
  return {
    about: 'place',
    reason:
      'another process has the place of this instance: whether it runs is clear in half a minute',
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
    wayOn: `the newest JOURNAL_PATH, or the newest database; or, if that journal is lost, ${lostCommand(instance)}`,
  };
}

/** `expected` is what our settings say of the other instance, `actual` is its answer. */
export function otherPeer(expected: Omit<Identity, 'isPlaced'>, actual: Identity): Disagreement {
  return {
    about: 'peer',
    reason: 'another instance says that it has another place or ledger',
    here: `PEER_SOCKET_PATHS: it is ${identityText(expected)}`,
    there: `it says: ${identityText(actual)}`,
    wayOn: 'the same PEER_SOCKET_PATHS or SHARDS, and the same DATABASE_URL, for all instances',
  };
}

function identityText({ instance, instances, ledgerId }: Omit<Identity, 'isPlaced'>): string {
  return `${placeText(instance, instances)}, ledger ${ledgerId || 'not known yet'}`;
}
