// The processes of one world, and which instance each one is.

import { Journal, type JournalFile } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import type { Config } from '../../src/config/config.ts';
import type { Program } from './program.ts';

/** A process over all its lives. */
export interface Member {
  readonly config: Config;
  /** Its life, once its engine runs. */
  readonly program: Program | undefined;
  /** The number of the instance that it is; -1 while it is none. */
  readonly number: number;
  /** Takes calls. */
  readonly isUp: boolean;
  clockOffMs: number;
  start(): void;
  /** Ends in order, as after SIGTERM. */
  stop(): void;
  losePower(): void;
  /** Forgets what is only in memory. */
  restart(): void;
  /** From now on it doesn't crash. */
  heal(): void;
}

export interface Fleet {
  readonly members: readonly Member[];
  readonly instances: number;
  /** An instance moves to another process, and the old one may go on for a while. */
  readonly membersMove: boolean;
  /** Those that take calls as this instance: more than one while an old owner doesn't know yet. */
  running(instance: number): readonly Member[];
  /** Where a process finds this instance. */
  reachedBy(from: Program, instance: number): Member | undefined;
  /** The payments that a next start of this instance would find. */
  inJournal(instance: number): readonly string[];
  /** The life that runs this instance, when no other one believes to; undefined without it. */
  onlyLife(instance: number): Program | undefined;
  heal(): void;
  /** Calls `happen` when a process wants an instance that another one still runs. */
  onContest(happen: (instance: number) => void): void;
}

/** Ids of the payments in a journal. */
export function idsIn(file: Pick<JournalFile, 'read'>, slots: number): string[] {
  const ring = new Ring(slots, 1);
  const readOnly = {
    read: (buffer: Uint8Array, at: number) => file.read(buffer, at),
    write: () => {},
    sync: () => Promise.resolve(),
  };
  const { slots: found } = new Journal(readOnly, ring, 'never').recover();
  return found.map((slot) => ring.idText(slot));
}
