// Reads a journal that may be a copy, damaged, cut short, or in use. It decides about each slot as
// a start of the instance would, and changes nothing.

import {
  contentOf,
  latestOf,
  loadCells,
  STATE_DOUBTFUL,
  STATE_FREE,
  STATE_GIVEN_UP,
} from '../buffer/journal-cell.ts';
import {
  HEADER_BYTES,
  JournalError,
  readHeader,
  SLOT_BYTES,
  type Header,
} from '../buffer/journal-header.ts';
import { journalsIn } from '../buffer/journal-repair.ts';
import { idToText, processorName, type ProcessorIndex } from '../payment.ts';

export interface ReadableFile {
  readonly bytes: number;
  /** Returns the number of bytes read: fewer than `buffer` has at the file's end. */
  read(buffer: Uint8Array, position: number): number;
}

/**
 * - held: no processor can hold it, as far as the journal says.
 * - pinned: its processor may hold it.
 * - charged: its processor has charged it, and the ledger may lack that.
 * - in doubt: either processor may hold it. A damaged cell may have had a pin, or the ledger may
 *   have lost its row.
 * - giving up: an operator gave it up, and the ledger may lack that.
 */
type JournalState = 'held' | 'pinned' | 'charged' | 'in doubt' | 'giving up';

interface JournalPayment {
  readonly correlationId: string;
  readonly state: JournalState;
  readonly amountCents: number;
  readonly processor?: string;
  /** ISO 8601, as `acceptedAt`. */
  readonly requestedAt?: string;
  readonly acceptedAt: string;
  readonly slot: number;
  /** Of a payment that is being given up: whether a processor may have charged it. */
  readonly mayBeCharged?: boolean;
}

export interface JournalContents {
  /** undefined if it is damaged: then the cells say which journal they belong to. */
  readonly header: Header | undefined;
  readonly slots: number;
  /** Slots that lie behind the file's end. */
  readonly missingSlots: number;
  readonly damagedCells: number;
  /** The first slots with damaged cells. */
  readonly damagedSlots: readonly number[];
  readonly counts: Readonly<Record<JournalState, number>>;
  /** The oldest ones, oldest first. */
  readonly payments: readonly JournalPayment[];
  /** Free slots that still name the payment that they held last. */
  readonly released: number;
  /** Those of the wanted id. */
  readonly releasedSlots: readonly number[];
}

interface Wanted {
  /** Of the payments that are returned. */
  readonly limit: number;
  /** '' for every payment. */
  readonly id: string;
}

const CHUNK_SLOTS = 1_024;
const DAMAGED_LISTED_MAX = 20;

/** @throws JournalError if the file is no journal, or of another version */
export function readJournal(file: ReadableFile, wanted: Wanted): JournalContents {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const header = readHeader(bytes.subarray(0, file.read(bytes, 0)));
  const whole = Math.max(0, Math.floor((file.bytes - HEADER_BYTES) / SLOT_BYTES));
  const slots = header?.slots ?? whole;
  const journalId = header?.journalId ?? journalOf(file, whole);
  const reading = new Reading(wanted);
  const chunk = Buffer.alloc(CHUNK_SLOTS * SLOT_BYTES);
  const present = Math.min(slots, whole);
  for (let first = 0; first < present; first += CHUNK_SLOTS) {
    const end = Math.min(present, first + CHUNK_SLOTS);
    const part = chunk.subarray(0, (end - first) * SLOT_BYTES);
    file.read(part, HEADER_BYTES + first * SLOT_BYTES);
    for (let slot = first; slot < end; slot++) {
      reading.slot(part.subarray((slot - first) * SLOT_BYTES), slot, journalId);
    }
  }
  return { header, slots, missingSlots: slots - present, ...reading.contents() };
}

/** The journal that most whole cells belong to. @throws JournalError if there is no whole cell */
function journalOf(file: ReadableFile, slots: number): number {
  const [most] = [...journalsIn(file, slots)].toSorted(([, one], [, other]) => other - one);
  if (most !== undefined) return most[0];
  throw new JournalError('JOURNAL_PATH is not a journal: it has neither a whole header nor a cell');
}

/** Collects what the slots say; keeps no more payments than wanted. */
class Reading {
  readonly #wanted: Wanted;
  readonly #counts = { held: 0, pinned: 0, charged: 0, 'in doubt': 0, 'giving up': 0 };
  readonly #damagedSlots: number[] = [];
  readonly #releasedSlots: number[] = [];
  #payments: JournalPayment[] = [];
  #damagedCells = 0;
  #released = 0;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  /** `bytes` begin with the slot's cells. */
  slot(bytes: Buffer, slot: number, journalId: number): void {
    const cells = loadCells(bytes, slot, journalId);
    const damaged = cells.filter((cell) => cell === 'damaged').length;
    this.#damagedCells += damaged;
    if (damaged > 0 && this.#damagedSlots.length < DAMAGED_LISTED_MAX) {
      this.#damagedSlots.push(slot);
    }
    const latest = latestOf(cells);
    if (latest === undefined) return;
    const { state, id, amountCents, acceptedAtMs, ...charge } = contentOf(latest);
    const correlationId = idToText(id);
    const isWanted = this.#wanted.id === '' || this.#wanted.id === correlationId;
    if (state === STATE_FREE) {
      this.#released++;
      if (isWanted && this.#wanted.id !== '') this.#releasedSlots.push(slot);
      return;
    }
    const { processor, requestedAtMs, isCharged } = charge;
    const isWhole = cells.every((cell) => typeof cell === 'object');
    const journalState = stateOf({ state, processor, isCharged, isWhole });
    this.#counts[journalState]++;
    if (!isWanted) return;
    const pin =
      processor === undefined
        ? {}
        : { processor: processorName(processor), requestedAt: timeOf(requestedAtMs) };
    const acceptedAt = timeOf(acceptedAtMs);
    const end = journalState === 'giving up' ? { mayBeCharged: state > STATE_GIVEN_UP } : {};
    this.#keep({
      correlationId,
      state: journalState,
      amountCents,
      ...pin,
      acceptedAt,
      slot,
      ...end,
    });
  }

  contents(): Omit<JournalContents, 'header' | 'slots' | 'missingSlots'> {
    this.#cut();
    return {
      damagedCells: this.#damagedCells,
      damagedSlots: this.#damagedSlots,
      counts: this.#counts,
      payments: this.#payments,
      released: this.#released,
      releasedSlots: this.#releasedSlots,
    };
  }

  #keep(payment: JournalPayment): void {
    this.#payments.push(payment);
    if (this.#payments.length >= 2 * this.#wanted.limit + CHUNK_SLOTS) this.#cut();
  }

  #cut(): void {
    this.#payments = this.#payments.toSorted(byAge).slice(0, this.#wanted.limit);
  }
}

function stateOf(cell: {
  readonly state: number;
  readonly processor: ProcessorIndex | undefined;
  readonly isCharged: boolean;
  readonly isWhole: boolean;
}): JournalState {
  if (cell.state >= STATE_GIVEN_UP) return 'giving up';
  if (cell.processor !== undefined) return cell.isCharged ? 'charged' : 'pinned';
  return cell.state === STATE_DOUBTFUL || !cell.isWhole ? 'in doubt' : 'held';
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

const byAge = (one: JournalPayment, other: JournalPayment): number =>
  one.acceptedAt < other.acceptedAt ? -1 : Number(one.acceptedAt > other.acceptedAt);
