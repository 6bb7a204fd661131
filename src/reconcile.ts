// Compares the ledger with both processors, and repairs it if asked to. USAGE has the words.

import { systemClock } from './clock.ts';
import { ProcessorBooks } from './gateways/processor-books.ts';
import { HttpProcessor } from './gateways/processor.ts';
import { ComparedBooks } from './ledger/compared-books.ts';
import { explain } from './ledger/explain.ts';
import { LedgerRepair, RepairRefused, type RepairNote } from './ledger/repair.ts';
import { compare, type Comparison, type ComparisonParts } from './reconcile/comparison.ts';
import { Instances } from './reconcile/instances.ts';
import { differencesIn, jsonOf, outcomeText, textOf } from './reconcile/print.ts';
import { Progress } from './reconcile/progress.ts';
import { QUESTIONS_AT_ONCE, Questions } from './reconcile/questions.ts';
import { repairAll, type RepairOutcome } from './reconcile/repairing.ts';
import { ReportError } from './reconcile/report-line.ts';
import {
  readReconcileSettings,
  USAGE,
  UsageError,
  type ReconcileSettings,
} from './reconcile/settings.ts';

const clock = systemClock;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function run(settings: ReconcileSettings): Promise<number> {
  const { databaseUrl, processorUrls, token, admin, json } = settings;
  const books = await ComparedBooks.open(databaseUrl);
  const both = <T>(make: (url: string) => T): readonly [T, T] => [
    make(processorUrls[0]),
    make(processorUrls[1]),
  ];
  const asked = both(
    (url) => new HttpProcessor({ url, connections: QUESTIONS_AT_ONCE, outcomes: 'strict', clock }),
  );
  const processors = both((url) => new ProcessorBooks({ url, token, clock }));
  const instances = admin && new Instances(admin);
  const parts = {
    ...settings,
    clock,
    books,
    processors,
    instances,
    progress: new Progress(clock, complain),
  };
  const comparison = (): Promise<Comparison> => {
    const questions = new Questions({ clock, processors: asked, rate: settings.rate });
    return compare({ ...parts, questions });
  };
  try {
    if (!json) sayCut(settings);
    const detached = await books.detachedIn(settings.range);
    if (detached.length > 0) {
      const months = detached.join(', ');
      throw new UsageError(
        `the rows of ${months} are detached: choose --from and --to without them`,
      );
    }
    const identity = await books.identity();
    const before = await comparison();
    if (!json) say(textOf(before));
    if (settings.repair === undefined || !isRepairable(before)) {
      if (json) say(JSON.stringify(jsonOf(before), null, 2));
      return codeOf(before);
    }
    const outcomes = await repair(settings.repair, { ...parts, identity }, before);
    await books.report.drop();
    const after = await comparison();
    if (json) say(JSON.stringify({ ...jsonOf(before), outcomes, after: jsonOf(after) }, null, 2));
    else say(`\nafter the repair:\n\n${textOf(after)}`);
    return codeOf(after);
  } finally {
    await books.close();
    await Promise.all([...asked, ...processors].map((processor) => processor.close()));
  }
}

function sayCut({ isCut, marginMs }: ReconcileSettings): void {
  if (isCut) say(`up to ${marginMs / 1_000} s ago: what is younger is under way (--margin)`);
}

const isRepairable = ({ payments, wrongSums }: Comparison): boolean =>
  wrongSums.length > 0 || payments.some(({ shall }) => shall !== undefined);

interface RepairParts extends Pick<ComparisonParts, 'clock' | 'books'> {
  readonly databaseUrl: string;
  readonly identity: string;
  readonly json: boolean;
}

async function repair(
  note: RepairNote,
  { clock: time, books, databaseUrl, identity, json }: RepairParts,
  before: Comparison,
): Promise<RepairOutcome[]> {
  const ledger = await LedgerRepair.open(databaseUrl, identity, note);
  const outcomes: RepairOutcome[] = [];
  try {
    for await (const outcome of repairAll({ clock: time, books, repair: ledger }, before)) {
      outcomes.push(outcome);
      if (!json) say(outcomeText(outcome));
    }
  } finally {
    await ledger.close();
  }
  return outcomes;
}

function codeOf(comparison: Comparison): number {
  if (comparison.gaps.length > 0) return 3;
  return differencesIn(comparison) > 0 ? 1 : 0;
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

// The reader of the output may leave early, as `head` does.
process.stdout.on('error', () => process.exit(3));
let databaseUrl = '';
try {
  const settings = readReconcileSettings(process.argv.slice(2), process.env, clock.now());
  if (settings === 'help') {
    say(USAGE);
  } else {
    ({ databaseUrl } = settings);
    process.exitCode = await run(settings);
  }
} catch (error) {
  if (error instanceof UsageError || error instanceof ReportError) {
    complain(error.message);
    process.exitCode = 2;
  } else if (error instanceof RepairRefused) {
    complain(`not repaired: ${error.message}`);
    process.exitCode = 3;
  } else {
    const { cause, message } = explain(error, databaseUrl);
    complain(`not finished: ${cause} (${message})`);
    // A fault of this program: 1 would say that the books differ.
    if (error instanceof TypeError) complain(String(error.stack));
    process.exitCode = 3;
  }
}
