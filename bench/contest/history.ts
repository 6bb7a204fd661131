// The history of bench:contest: a file with one line for each run. docs/MEASUREMENTS.md says why it
// is in the repository.

import { appendFileSync, readFileSync } from 'node:fs';
import { parseJson } from '../../tools/audit/json-field.ts';

const FORMAT = 1;

/** What a change can make worse. */
export const FIGURES = {
  p99Ms: { name: 'p99 ms', isMoreBetter: false, ofFloor: true },
  paymentsP99Ms: { name: 'p99 of POST', isMoreBetter: false, ofFloor: true },
  cpuMsPerPayment: { name: 'CPU ms/payment', isMoreBetter: false, ofFloor: true },
  throttledMs: { name: 'throttled ms', isMoreBetter: false, ofFloor: false },
  memoryMib: { name: 'MB', isMoreBetter: false, ofFloor: false },
  score: { name: 'score', isMoreBetter: true, ofFloor: false },
} as const;

export type FigureName = keyof typeof FIGURES;
export type Figures = Readonly<Record<FigureName, number>>;

export interface HistoryRun {
  readonly format: typeof FORMAT;
  /** When its series began: runs of one series were taken in turn. */
  readonly series: string;
  readonly round: number;
  readonly commit: string;
  /** Whether a file differed from the commit. */
  readonly isDirty: boolean;
  readonly test: string;
  readonly arm: string;
  /** Figures of different machines can't be compared. */
  readonly machine: string;
  readonly figures: Figures;
  readonly loadAverage: number;
  readonly othersPercent: number;
  readonly stealPercent: number;
  /** Why its figures can't be trusted; empty when the machine was quiet. */
  readonly disturbed: readonly string[];
}

/** The oldest first; none without a file. @throws Error that names a line which is no run. */
export function readHistory(path: string): HistoryRun[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line, index) => {
    if (line === '') return [];
    const run = parseJson(line) as Partial<HistoryRun> | null | undefined;
    const isRun = run?.format === FORMAT && typeof run.figures?.p99Ms === 'number';
    if (!isRun) throw new Error(`${path}, line ${index + 1}: no run of format ${FORMAT}`);
    return [run as HistoryRun];
  });
}

export function appendRun(path: string, run: Omit<HistoryRun, 'format'>): void {
  appendFileSync(path, `${JSON.stringify({ format: FORMAT, ...run })}\n`);
}
