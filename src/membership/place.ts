// The place of this instance: its number, the number of all instances, and its journal. Both the
// ledger and the journal's header record the place.
//
// Nothing may be sent before the ledger agrees. Each claim raises the mark: first in the header
// ("claimed"), then in the ledger, then in the header ("mark"). So mark ≤ the ledger's ≤ claimed,
// unless the ledger or the journal went back in time:
//
//   the ledger's is less than mark       the ledger is an older copy: settled payments are missing
//   the ledger's is more than claimed    the journal is an older copy
//
// Two processes may have the same journal: one that runs, and a copy. The copy finds the lock taken
// (place-lock.ts) or its journal older. It stays out as long as it runs, even when the lock gets
// free, because the other process comes back for the lock. Only an operator's "lost" lets it in.

import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Clock } from '../clock.ts';
import {
  isLost,
  type InstanceEntry,
  type InstanceState,
  type Register,
  type Registration,
} from '../ledger/register.ts';
import {
  journalText,
  lockTaken,
  olderCopy,
  otherCopyRuns,
  otherJournal,
  placeText,
  type Disagreement,
} from './disagreement.ts';
import {
  headerDisagreement,
  isBehind,
  isFree,
  isOwn,
  registerDisagreement,
} from './place-checks.ts';
import { PlaceLock, PlaceUndecided } from './place-lock.ts';

export interface PlaceParts {
  readonly clock: Clock;
  readonly instance: number;
  readonly instances: number;
  readonly journal: Pick<Journal, 'header' | 'writeHeader' | 'onDisk'>;
  readonly ring: Pick<Ring, 'used'>;
  readonly register: Pick<
    Register,
    'isLocked' | 'read' | 'initialize' | 'lock' | 'write' | 'close'
  >;
  /** The journal is an older copy: payments that were accepted after the copy are not in it. */
  readonly onOlderCopy: (details: Readonly<Record<string, unknown>>) => void;
  /** Another process may have settled payments in this place since this journal's latest mark. */
  readonly onGap: () => void;
}

export class Place {
  /** The ledger has agreed since this process began, and has not disagreed after that. */
  isOurs = false;
  readonly #parts: PlaceParts;
  readonly #lock: PlaceLock;
  /**
   * Another process runs as this instance, or has written marks with our journal. It stays so until
   * this process ends or an operator says "lost".
   */
  #isDisplaced = false;

  constructor(parts: PlaceParts) {
    this.#parts = parts;
    this.#lock = new PlaceLock(parts);
  }

  /** '' while the journal belongs to no ledger. */
  get ledgerId(): string {
    return this.#parts.journal.header.ledgerId;
  }

  /** Known before the ledger is asked: the journal was written for another place. */
  get headerDisagreement(): Disagreement | undefined {
    return headerDisagreement(this.#parts, this.#parts.journal.header);
  }

  /**
   * Asks the ledger for the place. Raises the mark if `isMarkDue`, or if the number of instances is
   * about to change.
   * @throws when the ledger can't be asked, or the disk fails
   */
  async claim(isMarkDue: boolean): Promise<Disagreement | { readonly drains: boolean }> {
    const { register } = this.#parts;
    const wasLocked = register.isLocked;
    const claimed = (await this.#takeLock()) ?? (await this.#mark(isMarkDue || !wasLocked));
    if (!('reason' in claimed)) return claimed;
    this.isOurs = false;
    // The right process for this place may want the lock.
    register.close();
    return claimed;
  }

  /**
   * This instance stops. If it holds nothing, another journal may take its place.
   * @throws when the ledger can't be asked
   */
  async leave(): Promise<void> {
    const { register } = this.#parts;
    if (this.isOurs && register.isLocked) await this.#write('stopped');
    register.close();
  }

  /** undefined when the lock is ours. @throws PlaceUndecided, or when the ledger can't be asked */
  async #takeLock(): Promise<Disagreement | undefined> {
    const { register, journal, instances } = this.#parts;
    if (register.isLocked) return undefined;
    if (journal.header.ledgerId === '' && (await register.read()) === undefined) {
      await register.initialize(instances);
    }
    const found = await this.#read();
    const disagreement = this.#disagreementWith(found);
    if (disagreement !== undefined) return disagreement;
    const entry = found?.entry;
    this.#lock.checkGrace(entry);
    const lock = await this.#lock.take(entry?.mark ?? 0);
    if (lock === 'ours') return undefined;
    if (lock === 'contested') this.#isDisplaced = true;
    if (this.#isDisplaced) return this.#displacedBy(entry);
    // The place is ours as long as no other process has written a mark.
    if (this.#lock.wasOurs) {
      throw new PlaceUndecided('a session that was lost has the lock on the place');
    }
    return lockTaken(this.#hereText);
  }

  async #read(): Promise<Registration | undefined> {
    try {
      return await this.#parts.register.read();
    } catch (error) {
      this.#lock.ledgerAway();
      throw error;
    }
  }

  async #mark(isMarkDue: boolean): Promise<Disagreement | { readonly drains: boolean }> {
    const { register, journal, onOlderCopy, onGap } = this.#parts;
    // Read again under the lock: another process may have had it in between.
    const found = await register.read();
    const disagreement = this.#disagreementWith(found);
    if (disagreement !== undefined) return disagreement;
    const { entry, drains } = found as Registration;
    const isNext = entry !== undefined && isOwn(journal.header, entry);
    if (!isNext || isBehind(journal.header, entry)) onGap();
    if (entry !== undefined && isBehind(journal.header, entry)) {
      const { claimed } = journal.header;
      onOlderCopy({ journal: this.#ownText, mark: claimed, ledgerMark: entry.mark });
    }
    if (isMarkDue || drains || entry?.state === 'draining' || !this.isOurs) {
      await this.#write(drains ? 'draining' : 'running', found);
    }
    this.isOurs = true;
    this.#lock.wasOurs = true;
    return { drains };
  }

  /** `found` is what was read under the lock; without it, the ledger is as we left it. */
  async #write(state: InstanceState, found?: Registration): Promise<void> {
    const { journal, ring, register, instance, instances } = this.#parts;
    const before = journal.header;
    const claimed = 1 + (found === undefined ? before.claimed : (found.entry?.mark ?? 0));
    const ledgerId = found?.ledgerId ?? before.ledgerId;
    // A mark of another ledger or another place means nothing here.
    const mark = before.ledgerId === ledgerId && before.instance === instance ? before.mark : 0;
    const header = { ...before, instance, instances, isBound: true, ledgerId, mark, claimed };
    journal.writeHeader(header);
    await journal.onDisk();
    const entry = { journal: this.#ownText, mark: claimed, held: ring.used, state };
    await register.write(entry, { ledgerId, instances });
    journal.writeHeader({ ...header, mark: claimed });
  }

  #disagreementWith(found: Registration | undefined): Disagreement | undefined {
    const { journal } = this.#parts;
    const disagreement = registerDisagreement(this.#parts, journal.header, found);
    return disagreement ?? (found?.entry && this.#disagreementWithEntry(found.entry));
  }

  #disagreementWithEntry(entry: InstanceEntry): Disagreement | undefined {
    const { instance, journal } = this.#parts;
    if (isLost(entry)) {
      if (this.#isDisplaced) this.#lock.reset();
      this.#isDisplaced = false;
      return undefined;
    }
    if (this.#isOvertakenBy(entry)) this.#isDisplaced = true;
    if (this.#isDisplaced) return this.#displacedBy(entry);
    if (isOwn(journal.header, entry) || isFree(entry)) return undefined;
    return otherJournal(this.#ownText, entry, instance);
  }

  /** Another process wrote marks with our journal, and it may run or hold payments. */
  #isOvertakenBy(entry: InstanceEntry): boolean {
    const { instance, journal } = this.#parts;
    const { header } = journal;
    const isOwnPlace = isOwn(header, entry) && header.instance === instance;
    const mayRun = !this.#lock.isUntried || !isFree(entry);
    return isOwnPlace && isBehind(header, entry) && mayRun;
  }

  #displacedBy(entry: InstanceEntry | undefined): Disagreement {
    const { instance, journal } = this.#parts;
    return this.#lock.isUntried && entry !== undefined
      ? olderCopy(journal.header.claimed, entry.mark, instance)
      : otherCopyRuns(this.#hereText, instance, entry?.journal);
  }

  get #hereText(): string {
    const { instance, instances } = this.#parts;
    return `${placeText(instance, instances)}, journal ${this.#ownText}`;
  }

  get #ownText(): string {
    return journalText(this.#parts.journal.header.journalId);
  }
}
