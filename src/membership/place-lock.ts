// The lock on this instance's place in the ledger, and how long this process waits for it.
//
//   free ──▶ ours                           at once; after an outage of the ledger 5 s later, if
//                                           another process may reclaim the lock
//   taken ─┬─ tried for 3 s ──▶ ours        an earlier process of this instance has ended
//          ├─ the mark moves ──▶ contested  another process runs: no further try
//          └─ no new mark for 30 s ──▶ ours the session that has the lock hangs, and is ended
//
// A process that has had the place before tries at every call.

import type { Clock } from '../clock.ts';
import type { InstanceEntry, Register } from '../ledger/register.ts';

/** PostgreSQL ends the session of an earlier process of ours by itself, usually at once. */
const NOTICE_MS = 3_000;
/** Longer than from one mark to the next: a session without a new mark for this long hangs. */
const STILL_MS = 30_000;
/**
 * While the ledger was away, every session lost its lock. A process that still runs reclaims its
 * lock within this time: it asks every two seconds.
 */
const GRACE_MS = 5_000;

export interface PlaceLockParts {
  readonly clock: Clock;
  readonly register: Pick<Register, 'lock'>;
}

/** The ledger answers, and it can't be said yet whether another process has the place. */
export class PlaceUndecided extends Error {}

export class PlaceLock {
  /** The ledger has agreed, since this process began, that the place is ours. */
  wasOurs = false;
  readonly #parts: PlaceLockParts;
  /** When the lock was first found taken; undefined while it is not. */
  #takenAtMs: number | undefined;
  #takenMark = 0;
  /** Since when the ledger has answered and the mark has not moved. */
  #stillSinceMs: number | undefined;
  #ledgerWasAway = false;
  #ledgerBackAtMs: number | undefined;

  constructor(parts: PlaceLockParts) {
    this.#parts = parts;
  }

  /** This process has neither had the place nor found the lock taken. */
  get isUntried(): boolean {
    return !this.wasOurs && this.#takenAtMs === undefined;
  }

  /** The ledger doesn't answer: another process can't raise its mark either. */
  ledgerAway(): void {
    this.#stillSinceMs = undefined;
    this.#ledgerWasAway = true;
    this.#ledgerBackAtMs = undefined;
  }

  /** The next try is the first one again. */
  reset(): void {
    this.#takenAtMs = undefined;
  }

  /** @throws PlaceUndecided while the process of `entry` may still reclaim its lock */
  checkGrace(entry: InstanceEntry | undefined): void {
    const mayRun = entry !== undefined && entry.state !== 'stopped';
    if (!mayRun || !this.isUntried || !this.#ledgerWasAway) return;
    const nowMs = this.#parts.clock.elapsed();
    this.#ledgerBackAtMs ??= nowMs;
    if (nowMs - this.#ledgerBackAtMs >= GRACE_MS) return;
    throw new PlaceUndecided('the ledger was away: another copy that runs comes back first');
  }

  /** Tries for the lock; `mark` is the ledger's. @throws when the ledger can't be asked */
  async take(mark: number): Promise<'ours' | 'taken' | 'contested'> {
    const { clock, register } = this.#parts;
    const nowMs = clock.elapsed();
    const isTaken = this.#takenAtMs !== undefined;
    if (isTaken && mark !== this.#takenMark && !this.wasOurs) return 'contested';
    this.#stillSinceMs ??= nowMs;
    const isStill = nowMs - this.#stillSinceMs >= STILL_MS;
    const isEarly = nowMs - (this.#takenAtMs ?? nowMs) <= NOTICE_MS;
    if (!isEarly && !isStill && !this.wasOurs) return 'taken';
    if (await register.lock(isStill && isTaken)) {
      this.#takenAtMs = undefined;
      this.#stillSinceMs = undefined;
      return 'ours';
    }
    if (!isTaken) this.#stillSinceMs = nowMs;
    this.#takenAtMs ??= nowMs;
    this.#takenMark = mark;
    return 'taken';
  }
}
