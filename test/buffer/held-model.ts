// A ring with its journal under random use, beside a model of what the journal must say of each
// slot after every write.

import { HEADER_BYTES, Journal, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { NO_DOUBT, UNPINNED } from '../../src/buffer/slot-state.ts';
import { DEFAULT, FALLBACK } from '../../src/payment.ts';
import { MemoryJournalFile } from './memory-journal-file.ts';
import type { Random } from './seed.ts';

export const JOURNAL_ID = 4711.5;

export const fileBytes = (slots: number): number => HEADER_BYTES + slots * SLOT_BYTES;

/** What a slot holds in words, "free" when nothing. */
export function describeSlot(ring: Ring, slot: number): string {
  if (!ring.isLive(slot)) return 'free';
  const pin = ring.pinOf(slot);
  const isAt = ring.chargeState[slot] !== 0 ? 'charged at' : 'at';
  const attempt =
    pin === UNPINNED ? 'unpinned' : `${isAt} ${pin} since ${ring.requestedAtMs[slot]}`;
  return `${ring.idText(slot)} ${ring.amountCents[slot]} ${ring.acceptedAtMs[slot]} ${attempt}`;
}

export const describeRing = (ring: Ring): string[] =>
  Array.from({ length: ring.slots }, (_, slot) => describeSlot(ring, slot));

/** What a start makes of these bytes. */
export function recoverFrom(
  contents: Uint8Array,
  slots: number,
): { readonly states: string[]; readonly damagedCells: number; readonly doubtful: number[] } {
  const ring = new Ring(slots, 5);
  const { damagedCells } = new Journal(
    MemoryJournalFile.holding(contents),
    ring,
    'never',
  ).recover();
  const doubtful = Array.from(ring.doubt.keys()).filter((slot) => ring.doubt[slot] !== NO_DOUBT);
  return { states: describeRing(ring), damagedCells, doubtful };
}

export class JournaledRing {
  readonly ring: Ring;
  readonly journal: Journal;
  readonly file: MemoryJournalFile;
  /** What was written of each slot. */
  readonly states: string[];
  readonly #random: Random;

  constructor(slots: number, random: Random) {
    this.#random = random;
    this.ring = new Ring(slots, 1);
    this.file = new MemoryJournalFile(fileBytes(slots));
    this.journal = new Journal(this.file, this.ring, 'always');
    this.journal.format(JOURNAL_ID);
    this.states = Array.from({ length: slots }, () => 'free');
  }

  /** One write; the slot that it was about. */
  step(): number {
    const { ring, journal } = this;
    const random = this.#random;
    const slot = random.below(ring.slots);
    if (!ring.isLive(slot)) {
      const taken = ring.hold(random.id(), 1 + random.below(10 ** 9), random.word());
      journal.hold(taken);
      return this.#wrote(taken);
    }
    if (random.chance(0.4)) {
      journal.release(slot);
      ring.release(slot);
      return this.#wrote(slot);
    }
    if (ring.chargeState[slot] === 0 && ring.pinOf(slot) !== UNPINNED && random.chance(0.4)) {
      journal.charged(slot);
    } else if (random.chance(0.7)) {
      ring.chargeState[slot] = 0;
      ring.pin(slot, random.chance(0.5) ? DEFAULT : FALLBACK, random.word());
      journal.pin(slot);
    } else {
      ring.chargeState[slot] = 0;
      ring.unpin(slot);
      journal.hold(slot);
    }
    return this.#wrote(slot);
  }

  #wrote(slot: number): number {
    this.states[slot] = describeSlot(this.ring, slot);
    return slot;
  }
}
