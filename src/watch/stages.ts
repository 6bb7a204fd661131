// Where the held payments stand; the ring tells.
//
//   queued         waits for a processor
//   at a processor its outcome isn't known yet
//   unrecorded     charged, and not in the ledger yet
//   set aside      failed alone, and is tried again later
//   in doubt       both processors are asked whether they hold it
//   unverified     the ledger is asked whether it has it
//   giving up      an operator gave it up, and the ledger doesn't know that yet
//   for another    belongs to an instance that is away

import type { Ring } from '../buffer/ring.ts';
import { GIVEN_UP, NO_DOUBT, NOT_CHARGED, UNPINNED } from '../buffer/slot-state.ts';
import type { SetAside } from '../consumers/set-aside.ts';

export const STAGES = [
  'queued',
  'at a processor',
  'unrecorded',
  'set aside',
  'in doubt',
  'unverified',
  'giving up',
  'for another',
] as const;
export type Stage = (typeof STAGES)[number];

export const isStage = (text: string): text is Stage =>
  (STAGES as readonly string[]).includes(text);

/** A payment older than this stands still. */
export const STILL_MS = 10_000;

interface Standing {
  payments: number;
  oldestMs: number;
  oldestSlot: number;
}

export type Standings = Readonly<Record<Stage, Standing>>;

export interface StagesParts {
  readonly ring: Ring;
  readonly setAside: SetAside;
  readonly instance: number;
  readonly instances: number;
}

export class Stages {
  readonly #parts: StagesParts;

  constructor(parts: StagesParts) {
    this.#parts = parts;
  }

  /** By stage, at the clock's `nowMs`. Takes a millisecond for 100,000 slots. */
  standings(nowMs: number): Standings {
    const { ring } = this.#parts;
    const standings = Object.fromEntries(
      STAGES.map((stage) => [stage, { payments: 0, oldestMs: 0, oldestSlot: -1 }]),
    ) as Record<Stage, Standing>;
    let left = ring.used;
    // Slots are taken in turn, so those in use are mostly the latest: looked at backwards, few are
    // looked at.
    for (let back = 0; back < ring.slots && left > 0; back++) {
      const slot = (ring.latestSlot - back + ring.slots) % ring.slots;
      if (!ring.isLive(slot)) continue;
      left--;
      const standing = standings[this.of(slot)];
      const ageMs = nowMs - (ring.acceptedAtMs[slot] as number);
      standing.payments++;
      if (ageMs < standing.oldestMs) continue;
      standing.oldestMs = ageMs;
      standing.oldestSlot = slot;
    }
    return standings;
  }

  of(slot: number): Stage {
    const { ring, setAside, instance, instances } = this.#parts;
    if ((ring.chargeState[slot] as number) >= GIVEN_UP) return 'giving up';
    if (ring.chargeState[slot] !== NOT_CHARGED) return 'unrecorded';
    if (ring.pinOf(slot) !== UNPINNED) return 'at a processor';
    if (ring.isWaiting(slot)) return 'queued';
    if (setAside.has(slot)) return 'set aside';
    if (ring.ownerOf(slot, instances) !== instance) return 'for another';
    return ring.doubt[slot] === NO_DOUBT ? 'unverified' : 'in doubt';
  }
}
