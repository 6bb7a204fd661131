// Finds the payments that may differ: by the lines of a processor's report or list, by asking the
// processor about each row, and by what the ledger knows of trouble. Each is looked at again later
// (second-look.ts), so a suspect too many costs only a question.

import type { ProcessorBooks } from '../gateways/processor-books.ts';
import type { ComparedBooks } from '../ledger/compared-books.ts';
import type { BookedRow } from '../ledger/compared-row.ts';
import type { TimeRange } from '../ledger/reader.ts';
import type { PeriodSum } from '../ledger/period-sums.ts';
import { FIRST_ID, PROCESSORS, otherThan, processorName, type ProcessorIndex } from '../payment.ts';
import { isSame } from './difference.ts';
import type { Progress } from './progress.ts';
import { forEachAtOnce, type Questions } from './questions.ts';
import { readReport } from './report-file.ts';
import { ReportError, type ReportLine } from './report-line.ts';

export interface SuspectsParts {
  readonly books: ComparedBooks;
  readonly processors: readonly [ProcessorBooks, ProcessorBooks];
  readonly questions: Questions;
  readonly range: TimeRange;
  /** Files of reports. */
  readonly reports: readonly [string | undefined, string | undefined];
  /** Each row is asked about at the other processor too. */
  readonly both: boolean;
  readonly progress: Progress;
}

/** More differences are not listed at once: they are found by the next comparison. */
const SUSPECTS_MAX = 100_000;
const LINES = 1_000;
const IDS = 5_000;
/** Rows that are in memory at once. */
const PAGE = 2_000;
const SECOND_MS = 1_000;

export class Suspects {
  readonly ids = new Set<string>();
  /** Some were left out. */
  isFull = false;
  /** Rows that their processor was asked about. */
  asked = 0;
  /** Rows that no silent processor could be asked about. */
  notAsked = 0;
  /** Lines of reports and lists, by processor; undefined without. */
  readonly lines: [number | undefined, number | undefined] = [undefined, undefined];
  /** Why a list could not be read. */
  readonly failures: string[] = [];
  readonly #parts: SuspectsParts;

  constructor(parts: SuspectsParts) {
    this.#parts = parts;
  }

  add(id: string): void {
    if (this.ids.size < SUSPECTS_MAX || this.ids.has(id)) this.ids.add(id);
    else this.isFull = true;
  }

  /**
   * By the reports, and by the lists of processors that have one.
   * @throws ReportError, or when the ledger doesn't answer
   */
  async byLines(): Promise<void> {
    const { books, reports } = this.#parts;
    await books.report.make();
    for (const processor of PROCESSORS) {
      const path = reports[processor];
      if (path === undefined) await this.#loadList(processor);
      else await this.#loadReport(processor, path);
    }
    await books.report.analyze();
    for (const processor of PROCESSORS) if (this.#hasLines(processor)) await this.#join(processor);
  }

  /** By asking about each row of these seconds whose processor has no report and no list. */
  async byQuestions(seconds: readonly PeriodSum[]): Promise<void> {
    const { books, range, both } = this.#parts;
    if (!both && PROCESSORS.every((processor) => this.#hasLines(processor))) return;
    for (const { fromMs, toMs } of windowsOf(seconds)) {
      const part = { fromMs: Math.max(fromMs, range.fromMs), toMs: Math.min(toMs, range.toMs) };
      let last: BookedRow | undefined;
      do {
        const rows = await books.page(part, last, PAGE);
        await forEachAtOnce(rows, (row) => this.#askAbout(row));
        last = rows.length < PAGE ? undefined : rows.at(-1);
      } while (last !== undefined);
    }
  }

  /** Payments that were given up and may be charged, and those with an anomaly. */
  async byTrouble(): Promise<void> {
    const { books, range } = this.#parts;
    for (let after = FIRST_ID, page: string[]; ; after = page.at(-1) as string) {
      page = await books.givenUpSince(range.fromMs, after, IDS);
      for (const id of page) this.add(id);
      if (page.length < IDS) break;
    }
    for (const { correlationId } of await books.anomaliesSince(range.fromMs)) {
      this.add(correlationId);
    }
  }

  #hasLines(processor: ProcessorIndex): boolean {
    return this.lines[processor] !== undefined;
  }

  async #askAbout(row: BookedRow): Promise<void> {
    const { questions, both, progress } = this.#parts;
    const { processor, correlationId, requestedAtMs } = row;
    progress.step(() => {
      const upTo = new Date(requestedAtMs).toISOString();
      return `asked about ${this.asked} rows, up to requestedAt ${upTo}`;
    });
    if (!this.#hasLines(processor)) {
      if (questions.isSilent(processor)) {
        this.notAsked++;
        return;
      }
      const held = await questions.ask(processor, correlationId);
      this.asked++;
      if (typeof held !== 'object' || !isSame(held, row)) this.add(correlationId);
    }
    const other = otherThan(processor);
    if (!both || this.#hasLines(other)) return;
    if (questions.isSilent(other)) this.notAsked++;
    else if ((await questions.ask(other, correlationId)) !== 'absent') this.add(correlationId);
  }

  async #loadReport(processor: ProcessorIndex, path: string): Promise<void> {
    this.lines[processor] = 0;
    let batch: ReportLine[] = [];
    for await (const line of readReport(path)) {
      batch.push(line);
      if (batch.length < LINES) continue;
      await this.#addLines(processor, batch, path);
      batch = [];
    }
    if (batch.length > 0) await this.#addLines(processor, batch, path);
  }

  async #addLines(
    processor: ProcessorIndex,
    batch: readonly ReportLine[],
    path: string,
  ): Promise<void> {
    const { books, progress } = this.#parts;
    const repeated = await books.report.addLines(processor, batch);
    const lines = (this.lines[processor] ?? 0) + batch.length;
    this.lines[processor] = lines;
    progress.step(() => `read ${lines} lines of ${path}`);
    if (repeated === undefined) return;
    const { id, line, earlier } = repeated;
    throw new ReportError(`${path}, line ${line}: correlationId ${id} is in line ${earlier} too`);
  }

  async #loadList(processor: ProcessorIndex): Promise<void> {
    const { processors, range } = this.#parts;
    let after = FIRST_ID;
    for (let loaded = 0; ;) {
      const page = await processors[processor].list(range, after);
      if (page === undefined) return;
      if (typeof page === 'string') {
        this.failures.push(`${processorName(processor)}: ${page}`);
        this.lines[processor] = undefined;
        return;
      }
      const lines = page.map((charge, index) => ({ ...charge, line: loaded + index + 1 }));
      await this.#addLines(processor, lines, `the list of ${processorName(processor)}`);
      loaded += lines.length;
      if (lines.length === 0) return;
      after = lines.at(-1)?.correlationId as string;
    }
  }

  /** Lines beside rows. */
  async #join(processor: ProcessorIndex): Promise<void> {
    const { books, range } = this.#parts;
    for (const kind of ['unlike', 'unreported'] as const) {
      for (let after = FIRST_ID, page: string[]; ; after = page.at(-1) as string) {
        page = await books.report[kind](processor, range, { after, most: IDS });
        for (const id of page) this.add(id);
        if (page.length < IDS || this.isFull) break;
      }
    }
  }
}

/** Ranges of whole seconds with about PAGE rows each. */
function* windowsOf(seconds: readonly PeriodSum[]): Generator<TimeRange> {
  let fromMs: number | undefined;
  let rows = 0n;
  for (const [index, { startMs, rows: sum }] of seconds.entries()) {
    fromMs ??= startMs;
    rows += sum.payments;
    const next = seconds[index + 1]?.startMs;
    // A second has up to two entries, one of each processor.
    if (next === startMs || (next !== undefined && rows < PAGE)) continue;
    if (rows > 0n) yield { fromMs, toMs: startMs + SECOND_MS - 1 };
    fromMs = undefined;
    rows = 0n;
  }
}
