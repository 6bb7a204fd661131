// The histories of several instances as one: what they counted is added up. Of percentiles, and of
// whether a processor fails, the largest counts: percentiles can't be added.

import type { HistoryTable } from './history.ts';

type Cell = number | null;

const LARGEST = /^(settle|attempt|failing) /;

export function mergeHistories(tables: readonly HistoryTable[]): HistoryTable {
  const seconds = [...new Set(tables.flatMap((table) => table.seconds))].toSorted((a, b) => a - b);
  const places = new Map(seconds.map((second, place) => [second, place]));
  const columns: Record<string, Cell[]> = {};
  for (const table of tables) {
    for (const [name, cells] of Object.entries(table.columns)) {
      const merged = (columns[name] ??= seconds.map(() => null));
      for (const [row, cell] of cells.entries()) {
        const place = places.get(table.seconds[row] as number) as number;
        merged[place] = LARGEST.test(name)
          ? largest(merged[place] ?? null, cell)
          : sum(merged[place] ?? null, cell);
      }
    }
  }
  return { seconds, columns };
}

function largest(one: Cell, other: Cell): Cell {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

function sum(one: Cell, other: Cell): Cell {
  return one === null && other === null ? null : (one ?? 0) + (other ?? 0);
}
