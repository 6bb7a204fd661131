// The place of this instance in the ledger: number, number of all, and journal, which the ledger and the journal's header both have.
//
// Nothing may be sent before the ledger agrees. Each claim raises the mark, first in the header ("claimed"), then in the ledger,
// then in the header ("mark"): so mark ≤ the ledger's ≤ claimed, unless one of the two went back in time.
//
//   the ledger's is less than mark       it was restored from an older state: settled payments are missing in it
//   the ledger's is more than claimed    the journal is an older copy

import {
  journalText,
  occupied,
  otherCount,
  otherJournal,
  otherLedger,
  placeText,
  wentBack,
  type Disagreement,
} from './disagreement.ts';

/** The journal's header. */
interface Header {
  readonly instance: number;
  readonly instances: number;
  readonly slots: number;
  readonly journalId: number;
  readonly isBound: boolean;
  readonly ledgerId: string;
  readonly mark: number;
  readonly claimed: number;
}

type State = 'running' | 'draining' | 'stopped';

interface Entry {
  readonly journal: string;
  readonly mark: number;
  readonly held: number;
  readonly state: State;
}

interface Shared {
  readonly ledgerId: string;
  readonly instances: number;
}

interface Registered extends Shared {
  readonly drains: boolean;
  readonly entry: Entry | undefined;
}

/** The ledger's register. Each of these throws when the ledger can't be asked. */
interface Register {
  readonly isLocked: boolean;
  read(): Promise<Registered | undefined>;
  begin(instances: number): Promise<void>;
  lock(endsEarlier: boolean): Promise<boolean>;
  write(entry: Entry, ledger: Shared): Promise<void>;
  close(): void;
}

export interface PlaceParts {
  readonly instance: number;
  readonly instances: number;
  readonly journal: {
    readonly journalHeader: Header;
    keepHeader(header: Header): void;
    readonly held: number;
  };
  readonly register: Register;
  /** The journal is an older copy: what it had taken since is not in it. */
  readonly onOlder: (details: Readonly<Record<string, unknown>>) => void;
}

export class Place {
  /** The ledger has agreed, in this life, and has not disagreed since. */
  isOurs = false;
  readonly #parts: PlaceParts;
  #wasOurs = false;

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
   * Asks the ledger, and raises the mark when `marks` says so, or when the number of instances is about to change.
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

  /** We stop: if nothing is held, another journal may take the place. @throws when the ledger can't be told */
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
    const found = await register.read();
    const disagreement = this.#judge(found);
    if (disagreement !== undefined) return disagreement;
    // What an older copy took for an earlier process of its own may be the one that runs.
    if (await register.lock(!this.#isOlder(found?.entry))) return undefined;
    return this.#occupied(found?.entry);
  }

  async #mark(isDue: boolean): Promise<Disagreement | { readonly drains: boolean }> {
    const { register } = this.#parts;
    // Once more, under the lock: another one may have been there in between.
    const found = await register.read();
    const disagreement = this.#judge(found);
    if (disagreement !== undefined) return disagreement;
    const { entry, drains } = found as Registered;
    if (this.#isOlder(entry)) {
      if (this.#wasOurs) return this.#occupied(entry);
      const { claimed } = this.#parts.journal.journalHeader;
      this.#parts.onOlder({ journal: entry?.journal, mark: claimed, ledgerMark: entry?.mark });
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
    if (entry === undefined || this.#isOwn(entry)) return undefined;
    const isFree = entry.state === 'stopped' && entry.held === 0;
    return isFree ? undefined : otherJournal(this.#ownText, entry, instance);
  }

  #isOwn(entry: Entry | undefined): boolean {
    return entry?.journal === this.#ownText;
  }

  #isOlder(entry: Entry | undefined): boolean {
    const { ledgerId, claimed } = this.#parts.journal.journalHeader;
    return ledgerId !== '' && entry !== undefined && this.#isOwn(entry) && entry.mark > claimed;
  }

  #occupied(entry: Entry | undefined): Disagreement {
    const { instance, instances } = this.#parts;
    return occupied(`${placeText(instance, instances)}, journal ${this.#ownText}`, entry?.journal);
  }

  get #ownText(): string {
    return journalText(this.#parts.journal.journalHeader.journalId);
  }
}
