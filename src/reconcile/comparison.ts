// Compares the ledger with both processors over a range of time.
//
//   sums ──▶ sums of periods ──▶ suspects ──▶ each looked at again ──▶ sums that nothing explains

import { sleep, type Clock } from '../clock.ts';
import type { ProcessorBooks } from '../gateways/processor-books.ts';
import type { ComparedBooks, FoundAnomaly } from '../ledger/compared-books.ts';
import { isSameSum, type BookedSum } from '../ledger/compared-row.ts';
import type { TimeRange } from '../ledger/reader.ts';
import type { PeriodSum } from '../ledger/period-sums.ts';
import { PROCESSORS, processorName, type ProcessorIndex } from '../payment.ts';
import type { Facts, PaymentDifference } from './difference.ts';
import type { Progress } from './progress.ts';
import type { Questions } from './questions.ts';
import type { Instances } from './instances.ts';
import { lookAgain, type Looked } from './second-look.ts';
import { Suspects } from './suspects.ts';
import { narrow, unexplained, type AskSums, type Narrowed } from './sums.ts';
import type { BothSums, SumDifference } from './sums.ts';

export interface ComparisonParts {
  readonly clock: Clock;
  readonly books: ComparedBooks;
  readonly processors: readonly [ProcessorBooks, ProcessorBooks];
  readonly questions: Questions;
  /** Without it nobody can say what instances hold. */
  readonly instances: Instances | undefined;
  readonly range: TimeRange;
  readonly reports: readonly [string | undefined, string | undefined];
  readonly both: boolean;
  readonly sumsOnly: boolean;
  readonly progress: Progress;
}

export interface UnexplainedSum extends SumDifference {
  /** What the processor has more than known payments explain; negative: less. */
  readonly more: BookedSum;
}

export interface Comparison {
  readonly range: TimeRange;
  /** Over the whole range, by processor; undefined if that could not be compared. */
  readonly wholes: readonly (BothSums | undefined)[];
  readonly payments: readonly PaymentDifference[];
  readonly underWay: readonly Facts[];
  readonly wrongSums: readonly PeriodSum[];
  readonly unexplained: readonly UnexplainedSum[];
  readonly anomalies: readonly FoundAnomaly[];
  /** Rows that a processor was asked about, and lines of reports and lists. */
  readonly looked: { readonly rows: number; readonly lines: number };
  /** What could not be compared, and why. With any, the comparison is incomplete. */
  readonly gaps: readonly string[];
  /** What limits what the comparison can tell. */
  readonly notes: readonly string[];
}

/** Of one processor: to find some ten seconds in a year takes about 500. */
const SUM_QUESTIONS_MAX = 500;
const TRIES = 3;
const RETRY_MS = 500;
const WRONG_SUMS_MAX = 10_000;
const NOTHING_LOOKED: Looked = { differences: [], underWay: [], unknown: [], unasked: 0 };

/** @throws ReportError, or when the ledger doesn't answer */
export async function compare(parts: ComparisonParts): Promise<Comparison> {
  const { books, range, sumsOnly } = parts;
  const gaps: string[] = [];
  const narrowed: Narrowed[] = [];
  for (const processor of PROCESSORS) {
    const ask = askSums(parts, processor, gaps);
    narrowed.push(await narrow(processor, range, ask, SUM_QUESTIONS_MAX));
  }
  const suspects = new Suspects(parts);
  if (!sumsOnly) await suspects.byLines();
  const wrongSums = await lookAtPeriods(parts, suspects);
  const heldLack = sumsOnly ? '' : await suspectTrouble(parts, suspects);
  const hasReports = suspects.lines.some((lines) => lines !== undefined);
  const looked =
    suspects.ids.size === 0
      ? NOTHING_LOOKED
      : await lookAgain({ ...parts, hasReports }, [...suspects.ids]);
  const leftOver = await unexplainedSums(parts, narrowed, looked, gaps);
  if (looked.unasked > 0 || leftOver.length > 0) {
    if (heldLack !== '') gaps.push(`${heldLack}: what instances hold can look like a difference`);
  }
  return {
    range,
    wholes: narrowed.map(({ whole }) => whole),
    payments: looked.differences,
    underWay: looked.underWay,
    wrongSums,
    unexplained: leftOver,
    anomalies: await books.anomaliesSince(range.fromMs),
    looked: { rows: suspects.asked, lines: (suspects.lines[0] ?? 0) + (suspects.lines[1] ?? 0) },
    gaps: [...new Set([...gaps, ...gapsOf(parts, suspects, looked)])],
    notes: notesOf(parts, suspects),
  };
}

/** Adds the reason to `gaps` when the processor doesn't answer. */
function askSums(
  { clock, books, processors, progress }: ComparisonParts,
  at: ProcessorIndex,
  gaps: string[],
): AskSums {
  let failed = false;
  let asked = 0;
  return async (range) => {
    asked++;
    progress.step(() => `compared the sums of ${processorName(at)} over ${asked} ranges`);
    for (let tries = 0; !failed; tries++) {
      if (tries > 0) await sleep(clock, RETRY_MS);
      const processor = await processors[at].sum(range);
      if (typeof processor !== 'string')
        return { ledger: (await books.sums(range))[at], processor };
      failed = tries + 1 === TRIES;
      if (failed) gaps.push(`the sums of ${processorName(at)}: ${processor}`);
    }
    return undefined;
  };
}

/** Compares the sums of periods with their rows, and asks about the rows. */
async function lookAtPeriods(
  { books, range, sumsOnly }: ComparisonParts,
  suspects: Suspects,
): Promise<PeriodSum[]> {
  const wrong: PeriodSum[] = [];
  const isInRange = ({ startMs, period }: PeriodSum): boolean =>
    startMs > range.fromMs - period * 1_000 && startMs <= range.toMs;
  const look = (sums: readonly PeriodSum[]): void => {
    const found = sums.filter(({ rows, summed }) => !isSameSum(rows, summed));
    wrong.push(...found.slice(0, WRONG_SUMS_MAX - wrong.length));
  };
  let day: number | undefined;
  for (const hour of await books.periods.hours(range)) {
    const sums = (await books.periods.ofHour(hour)).filter(isInRange);
    look(sums);
    if (!sumsOnly) await suspects.byQuestions(sums.filter(({ period }) => period === 1));
    if (day === Math.floor(hour / 24)) continue;
    day = Math.floor(hour / 24);
    look(await books.periods.ofDay(hour));
  }
  return wrong;
}

/**
 * What instances hold and a processor may have charged explains sums, once the processor is asked.
 * Resolves with the reason why not all of it is known; '' if all is.
 */
async function suspectTrouble(
  { instances, range }: ComparisonParts,
  suspects: Suspects,
): Promise<string> {
  await suspects.byTrouble();
  if (instances === undefined) return '';
  const { ids, lack } = await instances.maybeCharged(range);
  for (const id of ids) suspects.add(id);
  return lack;
}

/** Asked once more, without what known payments explain. */
async function unexplainedSums(
  parts: ComparisonParts,
  narrowed: readonly Narrowed[],
  { differences, underWay }: Looked,
  gaps: string[],
): Promise<UnexplainedSum[]> {
  const known = [...differences.map(({ facts }) => facts), ...underWay];
  const left: UnexplainedSum[] = [];
  for (const at of PROCESSORS) {
    const ask = askSums(parts, at, gaps);
    for (const { fromMs, toMs } of narrowed[at]?.differences ?? []) {
      const sums = await ask({ fromMs, toMs });
      if (sums === undefined) break;
      if (isSameSum(sums.ledger, sums.processor)) continue;
      const difference = { at, fromMs, toMs, ...sums };
      const more = unexplained(difference, known);
      if (more.payments === 0n && more.cents === 0n) continue;
      // One of these was settled since it was looked at.
      const moved = unexplained(
        difference,
        known.filter((facts) => !underWay.includes(facts)),
      );
      if (moved.payments === 0n && moved.cents === 0n) continue;
      left.push({ ...difference, more });
    }
  }
  return left;
}

function gapsOf(
  { questions }: ComparisonParts,
  suspects: Suspects,
  { unknown, unasked }: Looked,
): string[] {
  const gaps: string[] = [];
  const failures = PROCESSORS.filter((processor) => questions.failure(processor) !== '').map(
    (processor) => `${processorName(processor)}: ${questions.failure(processor)}`,
  );
  const why = failures.length === 0 ? '' : ` (${failures.join('; ')})`;
  if (unasked > 0) {
    gaps.push(`no instance can say whether one holds ${unasked} of the payments that differ`);
  }
  if (suspects.notAsked > 0) gaps.push(`${suspects.notAsked} questions were not asked${why}`);
  if (unknown.length > 0) {
    const more = unknown.length > 3 ? ' …' : '';
    gaps.push(
      `${unknown.length} payments are not known: ${unknown.slice(0, 3).join(' ')}${more}${why}`,
    );
  }
  return gaps;
}

function notesOf(
  { instances, sumsOnly, both, reports }: ComparisonParts,
  suspects: Suspects,
): string[] {
  const notes: string[] = [];
  if (instances === undefined) {
    notes.push('no admin server is named (ADMIN_LISTEN): what instances hold can look missing');
  }
  if (suspects.isFull) notes.push('more payments differ than are listed: compare again afterwards');
  for (const failure of suspects.failures) notes.push(`no list of payments, ${failure}`);
  if (sumsOnly) {
    notes.push('only sums were compared: differences that cancel each other out do not show');
    return notes;
  }
  for (const processor of PROCESSORS) {
    const name = processorName(processor);
    const lines = suspects.lines[processor];
    if (lines === undefined) {
      const twice = both ? '' : '; --both finds what is at both processors';
      notes.push(`${name} has no list and no report: each row was asked about${twice}`);
    } else if (reports[processor] === undefined) {
      notes.push(`${name} has a list of its payments: it was compared`);
    }
  }
  return notes;
}
