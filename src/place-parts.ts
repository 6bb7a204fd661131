// What a place (place.ts) goes by: the journal's header and the ledger's register.

import type { Clock } from './clock.ts';

/** Which instance of how many. */
export interface Place {
  readonly instance: number;
  readonly instances: number;
}

/** The journal's header. `instances` 0: not known, in a journal of version 1. */
export interface Header extends Place {
  readonly slots: number;
  /** Any number that no other journal has. */
  readonly journalId: number;
  /** Whether its payments may have been sent by this instance of so many. */
  readonly isBound: boolean;
  /** The ledger that its payments go to; '' before that was reached for the first time. */
  readonly ledgerId: string;
  /** The latest mark that the ledger is known to have of this journal, 0 before the first one. */
  readonly mark: number;
  /** The latest mark that the ledger may have. */
  readonly claimed: number;
}

export type State = 'running' | 'draining' | 'stopped';

export interface Entry {
  readonly journal: string;
  readonly mark: number;
  readonly held: number;
  readonly state: State;
}

interface Shared {
  readonly ledgerId: string;
  readonly instances: number;
}

export interface Registered extends Shared {
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
  readonly clock: Clock;
  readonly instance: number;
  readonly instances: number;
  readonly journal: {
    readonly journalHeader: Header;
    /** @throws when the disk fails */
    keepHeader(header: Header): void;
    /** A header that a power cut took back would look like an older copy's. */
    onDisk(): Promise<void>;
    readonly held: number;
  };
  readonly register: Register;
  /** The journal is an older copy: what it had taken since is not in it. */
  readonly onOlder: (details: Readonly<Record<string, unknown>>) => void;
}

/** Stopped in order, with nothing held. */
export function isFree({ state, held }: Entry): boolean {
  return state === 'stopped' && held === 0;
}

/** The ledger answers, and it is too early to say whose the place is. */
export class TooEarly extends Error {}

/**
 * Whoever runs was cut off from the ledger as we were, and is back in this time: it asks every two
 * seconds.
 */
const BACK_MS = 5_000;

/** After the ledger was away its locks are free, whoever runs. */
export class Absence {
  #wasAway = false;
  #backAtMs: number | undefined;

  isAway(): void {
    this.#wasAway = true;
    this.#backAtMs = undefined;
  }

  /** The ledger answers: whether another one that runs may still be on its way back. */
  isJustOver(nowMs: number): boolean {
    if (!this.#wasAway) return false;
    this.#backAtMs ??= nowMs;
    return nowMs - this.#backAtMs < BACK_MS;
  }
}
