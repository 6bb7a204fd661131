// Shows what a journal holds. The file is opened for reading alone, and never locked: a lock, even
// for a moment, would keep an instance from starting.

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { JournalError } from '../buffer/journal-header.ts';
import { Failure, wrongWords } from './failure.ts';
import { fileOf } from './find-server.ts';
import { readJournal, type JournalContents, type ReadableFile } from './journal-reader.ts';
import { ageOf, amountOf, safeJson, safeText, textOf } from './printed.ts';
import { say, warn } from './say.ts';
import { table, terminalWidth, type Column } from './table.ts';
import { writersOf } from './writers.ts';
import type { Words } from './words.ts';

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'state' },
  { title: 'amount', isNumber: true },
  { title: 'processor' },
  { title: 'age', isNumber: true },
  { title: 'requested at' },
  { title: 'accepted at' },
  { title: 'slot', isNumber: true },
];

/** Returns the exit code: 1 if the journal lacks the wanted id. @throws Failure */
export function showJournal({ file, id, limit, json }: Words): 0 | 1 {
  const path = fileOf(file, process.env);
  const { contents, writers, isChanging } = read(path, { id, limit });
  if (writers.length > 0) {
    warn(
      `process ${writers.join(', ')} has this journal open: what is shown may be half of a change`,
    );
  } else if (isChanging) {
    warn('the journal changed while it was read: an instance seems to run on it');
  }
  const isInUse = writers.length > 0 || isChanging;
  if (json) say(safeJson({ file: path, isInUse, ...contents, header: contents.header ?? null }));
  else sayContents(path, contents, { id, limit });
  const isThere = contents.payments.length + contents.releasedSlots.length > 0;
  if (id === '' || isThere) return 0;
  warn(`the journal has no payment ${id}`);
  return 1;
}

interface Found {
  readonly contents: JournalContents;
  /** Processes that have it open for writing. */
  readonly writers: readonly number[];
  readonly isChanging: boolean;
}

function read(path: string, wanted: { readonly id: string; readonly limit: number }): Found {
  const descriptor = open(path);
  try {
    const before = fstatSync(descriptor);
    const file: ReadableFile = {
      bytes: before.size,
      read: (buffer, position) => readAll(descriptor, buffer, position),
    };
    const contents = readJournal(file, wanted);
    const isChanging = fstatSync(descriptor).mtimeMs !== before.mtimeMs;
    return { contents, writers: writersOf(before), isChanging };
  } catch (error) {
    if (error instanceof JournalError) {
      throw new Failure(error.message.replaceAll('JOURNAL_PATH', path), 2);
    }
    throw new Failure(`${path} can not be read: ${(error as Error).message}`);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a plain file alone: a pipe would block, and a device may never end. */
function open(path: string): number {
  try {
    if (!statSync(path).isFile()) throw new Error('it is no file');
    return openSync(path, 'r');
  } catch (error) {
    throw wrongWords(`${path} can not be read: ${(error as Error).message}`);
  }
}

function readAll(descriptor: number, buffer: Uint8Array, position: number): number {
  let done = 0;
  while (done < buffer.length) {
    const bytes = readSync(descriptor, buffer, done, buffer.length - done, position + done);
    if (bytes === 0) break;
    done += bytes;
  }
  return done;
}

function sayContents(
  path: string,
  contents: JournalContents,
  { id, limit }: { readonly id: string; readonly limit: number },
): void {
  const { payments, counts, releasedSlots } = contents;
  for (const line of summaryOf(path, contents)) say(line);
  for (const slot of releasedSlots) {
    say(`slot ${slot} held ${id} last: it was recorded, handed over to its owner, or forgotten`);
  }
  if (payments.length === 0) return;
  const nowMs = systemClock.now();
  const rows = payments.map((payment) => [
    payment.correlationId,
    payment.mayBeCharged === true ? `${payment.state}, may be charged` : payment.state,
    amountOf(payment.amountCents),
    textOf(payment.processor),
    ageOf(payment.acceptedAt, nowMs),
    textOf(payment.requestedAt),
    payment.acceptedAt,
    String(payment.slot),
  ]);
  const held = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const isCut = id === '' && held > payments.length;
  if (isCut) say(`the oldest ${limit} of ${held}; --limit shows more:`);
  say(`\n${table(COLUMNS, rows, terminalWidth())}`);
}

function summaryOf(path: string, contents: JournalContents): string[] {
  const { header, slots, missingSlots, damagedCells, damagedSlots, counts, released } = contents;
  const lines = [`journal   ${safeText(path)}`];
  if (header === undefined) {
    lines.push('header    damaged: "npm run operate -- repair" makes it anew');
  } else {
    const of = header.instances === 0 ? '' : ` of ${header.instances}`;
    // A journal of version 1 doesn't say, as it doesn't name the number of instances.
    const isUnused = !header.isBound && header.instances !== 0;
    const unused = isUnused ? ', nothing was sent from it yet' : '';
    lines.push(
      `instance  ${header.instance}${of}${unused}`,
      `ledger    ${header.ledgerId === '' ? 'none yet' : header.ledgerId}, mark ${header.mark}`,
    );
  }
  const cut = missingSlots === 0 ? '' : `; cut short: ${missingSlots} slots are missing`;
  const states = Object.entries(counts).map(([state, count]) => `${state} ${count}`);
  lines.push(`slots     ${slots}${cut}`);
  lines.push(`payments  ${states.join(', ')}`);
  lines.push(`released  ${released} free slots still name the payment that they held last`);
  if (damagedCells > 0) {
    const more = damagedSlots.length < damagedCells ? ' at least' : '';
    lines.push(`damaged   ${damagedCells} cells, in slots ${damagedSlots.join(', ')}${more}`);
  }
  return lines;
}
