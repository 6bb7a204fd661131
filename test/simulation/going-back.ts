// A backup of the cluster's database is restored, as far as some payments are concerned: each was
// held without a pin then, and was charged and recorded since. Everything that knew so is gone: its
// row, and its later cells. All else stays as it is, so nothing that was promised since is lost.

import {
  contentOf,
  STATE_DOUBTFUL,
  STATE_FREE,
  STATE_HELD,
} from '../../src/buffer/journal-cell.ts';
import { idToText, ownerOf, type IdWords } from '../../src/payment.ts';
import type { Books } from './books.ts';
import type { Change, Tables } from './simulated-database.ts';

interface Cell {
  readonly shard: number;
  readonly slot: number;
  readonly cell: Buffer;
  readonly state: number;
}

export interface Backup {
  readonly tables: Tables;
  /** Ids that the ledger had. */
  readonly settled: ReadonlySet<string>;
}

/** `tables` is a copy. */
export function backupOf(tables: Tables, { accounts }: Books): Backup {
  const settled = accounts.filter(({ row }) => row !== undefined);
  return { tables, settled: new Set(settled.map(({ text }) => text)) };
}

/** Whether a shard holds a payment that another one owns. */
export function holdsForOthers({ cells }: Tables): boolean {
  return cells.some((slots, shard) =>
    [...slots].some(([slot, cell]) => {
      const { state, words } = read(cell);
      return slot >= 0 && state === STATE_HELD && ownerOf(words, cells.length) !== shard;
    }),
  );
}

/** The payments for which the database can go back. */
export function restorable({ tables, settled }: Backup, now: Tables, books: Books): string[] {
  return [...cellsById(tables)]
    .filter(([id, cells]) => {
      const account = books.find(id);
      if (account === undefined || settled.has(id)) return false;
      const { row, isForeign, givenUp, calls, posted } = account;
      if (row === undefined || isForeign || givenUp !== undefined) return false;
      // Whoever brings it to its owner after a restore may have it charged again. And an owner that
      // forgot it may take it with another amount.
      if (calls > 0 || posted.size > 1) return false;
      return cells.every(
        ({ shard, slot, state }) =>
          (state === STATE_HELD || state === STATE_DOUBTFUL) && isFreeFor(id, now, shard, slot),
      );
    })
    .map(([id]) => id);
}

/** Of each of these payments only the cells of the backup are left. */
export function restoring({ tables }: Backup, ids: readonly string[]): Change {
  const kept = cellsById(tables);
  return (now) => {
    const found = cellsById(now);
    for (const id of ids) {
      for (const { shard, slot } of found.get(id) ?? []) now.cells[shard]?.delete(slot);
      for (const { shard, slot, cell } of kept.get(id) ?? []) now.cells[shard]?.set(slot, cell);
    }
  };
}

function cellsById({ cells }: Tables): Map<string, Cell[]> {
  const byId = new Map<string, Cell[]>();
  for (const [shard, slots] of cells.entries()) {
    for (const [slot, cell] of slots) {
      if (slot < 0) continue;
      const { words, state } = read(cell);
      const id = idToText(words);
      const others = byId.get(id) ?? [];
      others.push({ shard, slot, cell, state });
      byId.set(id, others);
    }
  }
  return byId;
}

function isFreeFor(id: string, { cells }: Tables, shard: number, slot: number): boolean {
  const cell = cells[shard]?.get(slot);
  if (cell === undefined) return true;
  const there = read(cell);
  return there.state === STATE_FREE || idToText(there.words) === id;
}

function read(cell: Buffer): { readonly words: IdWords; readonly state: number } {
  const { id, state } = contentOf(new Uint32Array(new Uint8Array(cell).buffer));
  return { words: id, state };
}
