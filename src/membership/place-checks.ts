// What the journal's header and the ledger's register say of one place, compared: pure functions.

import type { Header, Place } from '../buffer/journal-header.ts';
import { isLost, type InstanceEntry, type Registration } from '../ledger/register.ts';
import {
  journalText,
  otherCount,
  otherLedger,
  placeText,
  wentBack,
  type Disagreement,
} from './disagreement.ts';

/** The header was written for another place. */
export function headerDisagreement(
  { instance, instances }: Place,
  header: Header,
): Disagreement | undefined {
  if (header.instance === instance && header.instances === instances) return undefined;
  return {
    about: 'place',
    reason: 'the ledger has not agreed to the new number of instances yet',
    here: placeText(instance, instances),
    there: `journal: ${placeText(header.instance, header.instances)}`,
    wayOn: `"npm run operate -- count ${instances}", unless that was done`,
  };
}

/** The ledger is another one, is for another number of instances, or went back in time. */
export function registerDisagreement(
  { instance, instances }: Place,
  header: Header,
  found: Registration | undefined,
): Disagreement | undefined {
  if (found === undefined || (header.ledgerId !== '' && header.ledgerId !== found.ledgerId)) {
    return otherLedger(header.ledgerId, found?.ledgerId);
  }
  if (found.instances !== instances) {
    return otherCount(placeText(instance, instances), found.instances);
  }
  const { entry } = found;
  const mark = header.instance === instance && header.ledgerId !== '' ? header.mark : 0;
  const wasLowered = entry === undefined || (isOwn(header, entry) && entry.mark < mark);
  return mark > 0 && wasLowered ? wentBack(mark, entry?.mark) : undefined;
}

/** The entry was written for this journal. */
export function isOwn({ journalId }: Header, entry: InstanceEntry): boolean {
  return entry.journal === journalText(journalId);
}

/**
 * What the journal holds may have been sent since: the ledger's mark is later, or the operator has
 * said that the newest journal is lost.
 */
export function isBehind(header: Header, entry: InstanceEntry): boolean {
  if (header.ledgerId === '') return false;
  return isLost(entry) || (isOwn(header, entry) && entry.mark > header.claimed);
}

/** The instance stopped in order and holds nothing: any journal may take its place. */
export function isFree({ state, held }: InstanceEntry): boolean {
  return state === 'stopped' && held === 0;
}
