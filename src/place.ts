// The place of this instance: its number, the number of all, and its journal. The ledger and the
// journal's header both have it.
//
// Nothing may be sent before the ledger agrees. Each claim raises the mark, first in the header
// ("claimed"), then in the ledger, then in the header ("mark"): so mark ≤ the ledger's ≤ claimed,
// unless one of the two went back in time.
//
//   the ledger's is less than mark       the ledger is an older copy: settled payments are missing
//   the ledger's is more than claimed    the journal is an older copy
//
// Two processes may have the same journal: one that runs, and a copy. A copy finds the lock taken
// or the journal older. It stays out as long as it runs, also when the lock gets free: whoever runs
// comes back for it. Only an operator's word lets it in.

import {
  isLost,
  journalText,
  occupied,
  olderCopy,
  otherCount,
  otherJournal,
  otherLedger,
  placeText,
  taken,
  wentBack,
  type Disagreement,
} from './disagreement.ts';
import { Absence, TooEarly, isFree } from './place-parts.ts';
import type { Entry, PlaceParts, Registered, State } from './place-parts.ts';

/** PostgreSQL ends the session of an earlier process of ours by itself, usually at once. */
const NOTICE_MS = 3_000;
/** Longer than from one mark to the next: a session without a new mark stands still. */
const STILL_MS = 30_000;

export class Place {
  /** The ledger has agreed, in this life, and has not disagreed since. */
  isOurs = false;
  readonly #parts: PlaceParts;
  #wasOurs = false;
  /** When the lock was first found taken; since when the ledger answers and the mark stands. */
  #takenAtMs: number | undefined;
  #stillSinceMs: number | undefined;
  #takenMark = 0;
  readonly #absence = new Absence();
  /** Another one runs, or went on from our journal: as long as we run. */
  #isBarred = false;

  constructor(parts: PlaceParts) {
    this.#parts = parts;
  }

  get ledgerId(): string {
    return this.#parts.journal.journalHeader.ledgerId;
  }

  /** Before the ledger is asked: a journal of another number of instances, which holds nothing. */
  get moved(): Disagreement | undefined {
    const { instance, instances, journal } = this.#parts;
    const { journalHeader: header } = journal;
    if (header.instance === instance && header.instances === instances) return undefined;
    return {
      about: 'place',
      reason: 'the ledger has not agreed to the new number of instances yet',
      here: placeText(instance, instances),
      there: `journal: ${placeText(header.instance, header.instances)}`,
      wayOn: `"npm run operate -- count ${instances}", unless that was done`,
    };
  }

  /**
   * Asks the ledger. Raises the mark if `marks`, or if the number of instances is to change.
   * @throws when the ledger can't be asked, or the disk fails
   */
  async claim(marks: boolean): Promise<Disagreement | { readonly drains: boolean }> {
    const { register } = this.#parts;
    const wasLocked = register.isLocked;
    const disagreement = (await this.#lock()) ?? (await this.#mark(marks || !wasLocked));
    if (!('reason' in disagreement)) return disagreement;
    this.isOurs = false;
    // Somebody who is right may want the lock.
    register.close();
    return disagreement;
  }

  /** We stop: if nothing is held, another journal may come. @throws when it can't be told */
  async leave(): Promise<void> {
    const { register } = this.#parts;
    if (this.isOurs && register.isLocked) await this.#write('stopped');
    register.close();
  }

  async #lock(): Promise<Disagreement | undefined> {
    const { register, journal, instances } = this.#parts;
    if (register.isLocked) return undefined;
    if (journal.journalHeader.ledgerId === '' && (await register.read()) === undefined) {
      await register.begin(instances);
    }
    const found = await this.#read();
    const disagreement = this.#judge(found);
    if (disagreement !== undefined) return disagreement;
    this.#giveWay(found?.entry);
    if (await this.#take(found?.entry?.mark ?? 0)) return undefined;
    if (this.#isBarred) return this.#barred(found?.entry);
    // It is ours as long as nobody else has written a mark.
    if (this.#wasOurs) throw new TooEarly('a session that was lost has the lock on the place');
    return taken(this.#hereText);
  }

  async #read(): Promise<Registered | undefined> {
    try {
      return await this.#parts.register.read();
    } catch (error) {
      // Whoever runs can't raise its mark either.
      this.#stillSinceMs = undefined;
      this.#absence.isAway();
      throw error;
    }
  }

  /** After an outage the lock is free. @throws while whoever runs may still come back for it */
  #giveWay(entry: Entry | undefined): void {
    const mayRun = entry !== undefined && entry.state !== 'stopped';
    if (!mayRun || this.#wasOurs || this.#takenAtMs !== undefined) return;
    if (!this.#absence.isJustOver(this.#parts.clock.elapsed())) return;
    throw new TooEarly('the ledger was away: another copy that runs comes back first');
  }

  /** Whether the lock is ours. */
  async #take(mark: number): Promise<boolean> {
    const { clock, register } = this.#parts;
    const nowMs = clock.elapsed();
    if (this.#takenAtMs !== undefined && mark !== this.#takenMark && !this.#wasOurs) {
      this.#isBarred = true;
      return false;
    }
    this.#stillSinceMs ??= nowMs;
    const isStill = nowMs - this.#stillSinceMs >= STILL_MS;
    const isEarly = nowMs - (this.#takenAtMs ?? nowMs) <= NOTICE_MS;
    if (!isEarly && !isStill && !this.#wasOurs) return false;
    if (await register.lock(isStill && this.#takenAtMs !== undefined)) {
      this.#takenAtMs = undefined;
      this.#stillSinceMs = undefined;
      return true;
    }
    if (this.#takenAtMs === undefined) this.#stillSinceMs = nowMs;
    this.#takenAtMs ??= nowMs;
    this.#takenMark = mark;
    return false;
  }

  async #mark(isDue: boolean): Promise<Disagreement | { readonly drains: boolean }> {
    const { register } = this.#parts;
    // Once more, under the lock: another one may have been there in between.
    const found = await register.read();
    const disagreement = this.#judge(found);
    if (disagreement !== undefined) return disagreement;
    const { entry, drains } = found as Registered;
    if (entry !== undefined && this.#isBehind(entry)) {
      const { claimed } = this.#parts.journal.journalHeader;
      this.#parts.onOlder({ journal: this.#ownText, mark: claimed, ledgerMark: entry.mark });
    }
    if (isDue || drains || entry?.state === 'draining' || !this.isOurs) {
      await this.#write(drains ? 'draining' : 'running', found);
    }
    this.isOurs = true;
    this.#wasOurs = true;
    return { drains };
  }

  /** `found` as it was read under the lock; without it, as we left it. */
  async #write(state: State, found?: Registered): Promise<void> {
    const { journal, register, instance, instances } = this.#parts;
    const before = journal.journalHeader;
    const claimed = 1 + (found === undefined ? before.claimed : (found.entry?.mark ?? 0));
    const ledgerId = found?.ledgerId ?? before.ledgerId;
    // Of another ledger or another place, an earlier mark means nothing.
    const mark = before.ledgerId === ledgerId && before.instance === instance ? before.mark : 0;
    const header = { ...before, instance, instances, isBound: true, ledgerId, mark, claimed };
    journal.keepHeader(header);
    await journal.onDisk();
    const entry = { journal: this.#ownText, mark: claimed, held: journal.held, state };
    await register.write(entry, { ledgerId, instances });
    journal.keepHeader({ ...header, mark: claimed });
  }

  #judge(found: Registered | undefined): Disagreement | undefined {
    const { instance, instances, journal } = this.#parts;
    const { journalHeader: header } = journal;
    if (found === undefined || (header.ledgerId !== '' && header.ledgerId !== found.ledgerId)) {
      return otherLedger(header.ledgerId, found?.ledgerId);
    }
    if (found.instances !== instances) {
      return otherCount(placeText(instance, instances), found.instances);
    }
    const { entry } = found;
    const mark = header.instance === instance && header.ledgerId !== '' ? header.mark : 0;
    if (mark > 0 && (entry === undefined || (this.#isOwn(entry) && entry.mark < mark))) {
      return wentBack(mark, entry?.mark);
    }
    if (entry === undefined || this.#isForAnyone(entry)) return undefined;
    if (this.#isBarred) return this.#barred(entry);
    return this.#isOwn(entry) || isFree(entry)
      ? undefined
      : otherJournal(this.#ownText, entry, instance);
  }

  #isOwn(entry: Entry | undefined): boolean {
    return entry?.journal === this.#ownText;
  }

  /** By the operator's word. Otherwise bars us if another one went on from our journal. */
  #isForAnyone(entry: Entry): boolean {
    const { instance } = this.#parts;
    const { journalHeader: header } = this.#parts.journal;
    if (isLost(entry.journal)) {
      if (this.#isBarred) this.#takenAtMs = undefined;
      this.#isBarred = false;
      return true;
    }
    const isOlder = this.#isOwn(entry) && header.instance === instance && this.#isBehind(entry);
    // At a start: nothing is held elsewhere, and nobody runs.
    const isFirst = !this.#wasOurs && this.#takenAtMs === undefined;
    if (isOlder && !(isFirst && isFree(entry))) this.#isBarred = true;
    return false;
  }

  /** The ledger's mark is later: what the journal holds may have been sent since. */
  #isBehind(entry: Entry): boolean {
    const { ledgerId, claimed } = this.#parts.journal.journalHeader;
    return ledgerId !== '' && entry.mark > claimed && (this.#isOwn(entry) || isLost(entry.journal));
  }

  #barred(entry: Entry | undefined): Disagreement {
    const { instance } = this.#parts;
    const isSeen = this.#wasOurs || this.#takenAtMs !== undefined;
    if (isSeen || entry === undefined) return occupied(this.#hereText, instance, entry?.journal);
    const { claimed } = this.#parts.journal.journalHeader;
    return olderCopy(claimed, entry.mark, instance);
  }

  get #hereText(): string {
    const { instance, instances } = this.#parts;
    return `${placeText(instance, instances)}, journal ${this.#ownText}`;
  }

  get #ownText(): string {
    return journalText(this.#parts.journal.journalHeader.journalId);
  }
}
