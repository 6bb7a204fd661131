// Sums of the ledger and of a processor over a range of time: where they differ, narrowed down to
// seconds, and whether known payments explain the difference.

import { isSameSum, type BookedSum } from '../ledger/compared-row.ts';
import type { TimeRange } from '../ledger/reader.ts';
import type { ProcessorIndex } from '../payment.ts';
import type { Answer, Facts, Values } from './difference.ts';

export interface BothSums {
  readonly ledger: BookedSum;
  readonly processor: BookedSum;
}

/** A range of at most a second, unless the questions were used up. */
export interface SumDifference extends BothSums, TimeRange {
  readonly at: ProcessorIndex;
}

/** Sums of both sides; undefined while one of them does not answer. */
export type AskSums = (range: TimeRange) => Promise<BothSums | undefined>;

export interface Narrowed {
  /** Over the whole range; undefined if it could not be compared. */
  readonly whole: BothSums | undefined;
  readonly differences: readonly SumDifference[];
  /** Some question had no answer, so differences may be missing. */
  readonly isIncomplete: boolean;
}

const SECOND_MS = 1_000;

const secondOf = (ms: number): number => Math.floor(ms / SECOND_MS);

/**
 * Halves the range wherever the sums differ, down to seconds. Ranges that are still longer when
 * `questionsMax` questions were asked are returned as they are.
 */
export async function narrow(
  at: ProcessorIndex,
  range: TimeRange,
  ask: AskSums,
  questionsMax: number,
): Promise<Narrowed> {
  const whole = await ask(range);
  if (whole === undefined) return { whole, differences: [], isIncomplete: true };
  const differences: SumDifference[] = [];
  const open: SumDifference[] = [];
  let isIncomplete = false;
  const keep = (found: SumDifference): void => {
    if (isSameSum(found.ledger, found.processor)) return;
    const isSecond = secondOf(found.fromMs) === secondOf(found.toMs);
    (isSecond ? differences : open).push(found);
  };
  keep({ ...whole, ...range, at });
  // The longest range first: what is left at the end is as short as possible everywhere.
  for (let asked = 1; open.length > 0 && asked < questionsMax; asked += 2) {
    const { fromMs, toMs } = open.shift() as SumDifference;
    for (const half of halvesOf({ fromMs, toMs })) {
      const sums = await ask(half);
      if (sums === undefined) isIncomplete = true;
      else keep({ ...sums, ...half, at });
    }
  }
  differences.push(...open);
  differences.sort((one, other) => one.fromMs - other.fromMs);
  return { whole, differences, isIncomplete };
}

/** Cut at a whole second. The range has parts of at least two seconds. */
function halvesOf({ fromMs, toMs }: TimeRange): readonly [TimeRange, TimeRange] {
  const middle = secondOf((fromMs + toMs) / 2) * SECOND_MS;
  const cut = middle > fromMs ? middle : (secondOf(fromMs) + 1) * SECOND_MS;
  return [
    { fromMs, toMs: cut - 1 },
    { fromMs: cut, toMs },
  ];
}

/** What the processor has more than the ledger, without what known payments explain. */
export function unexplained(
  { at, fromMs, toMs, ledger, processor }: SumDifference,
  known: Iterable<Facts>,
): BookedSum {
  let payments = processor.payments - ledger.payments;
  let cents = processor.cents - ledger.cents;
  const isIn = (value: Answer | undefined): value is Values =>
    typeof value === 'object' && value.requestedAtMs >= fromMs && value.requestedAtMs <= toMs;
  for (const { entry, held } of known) {
    const charge = held[at];
    if (isIn(charge)) {
      payments -= 1n;
      cents -= charge.cents;
    }
    if (entry?.processor === at && isIn(entry)) {
      payments += 1n;
      cents += entry.cents;
    }
  }
  return { payments, cents };
}
