// Looks again at each suspect: both processors are asked, then the ledger is read, then the
// instances are asked whether one of them holds the payment. Only what still differs is a
// difference.

import { sleep, type Clock } from '../clock.ts';
import type { ComparedBooks } from '../ledger/compared-books.ts';
import { DEFAULT, FALLBACK } from '../payment.ts';
import { judge, type Answer, type Facts, type PaymentDifference } from './difference.ts';
import type { Instances } from './instances.ts';
import type { Progress } from './progress.ts';
import { forEachAtOnce, type Questions } from './questions.ts';

export interface SecondLookParts {
  readonly clock: Clock;
  readonly books: ComparedBooks;
  readonly questions: Questions;
  /** Without it nobody can say what instances hold. */
  readonly instances: Instances | undefined;
  readonly hasReports: boolean;
  readonly progress: Progress;
}

export interface Looked {
  readonly differences: readonly PaymentDifference[];
  /** An instance holds the payment: it is not settled yet. */
  readonly underWay: readonly Facts[];
  /** No answer decides whether there is a difference. */
  readonly unknown: readonly string[];
  /** Differences about which no instance could be asked. */
  readonly unasked: number;
}

const CHUNK = 500;
/** A batch that is being recorded is in the ledger after this time. */
const SETTLE_MS = 1_000;

export async function lookAgain(parts: SecondLookParts, ids: readonly string[]): Promise<Looked> {
  const differences: PaymentDifference[] = [];
  const underWay: Facts[] = [];
  const unknown: string[] = [];
  let unasked = 0;
  for (let at = 0; at < ids.length; at += CHUNK) {
    const chunk = ids.slice(at, at + CHUNK);
    const count = (done: number): string =>
      `asked both processors about ${at + done} of ${ids.length} payments that may differ`;
    const held = await answersAbout(parts, chunk, count);
    const found = new Map(await judged(parts, chunk, held));
    const holds = await heldAmong(parts, differentIn(found));
    if (differentIn(found).length > 0) {
      await sleep(parts.clock, SETTLE_MS);
      for (const [id, now] of await judged(parts, differentIn(found), held)) found.set(id, now);
      // A row may be newer than its processor's answer.
      const rows = differentIn(found).filter((id) => found.get(id)?.facts.entry !== undefined);
      const newer = await answersAbout(parts, rows, () => count(chunk.length));
      for (const [id, now] of await judged(parts, rows, newer)) found.set(id, now);
    }
    for (const [id, { facts, verdict }] of found) {
      if (verdict === 'unknown') unknown.push(id);
      if (typeof verdict !== 'object') continue;
      const isHeld = holds.get(id);
      // Who was charged twice is told so, whatever becomes of the payment.
      if (isHeld === true && verdict.kind !== 'at both processors') underWay.push(facts);
      else differences.push(verdict);
      if (isHeld === 'unknown') unasked++;
    }
  }
  return { differences, underWay, unknown, unasked };
}

const differentIn = (found: ReadonlyMap<string, Judged>): string[] =>
  [...found].filter(([, { verdict }]) => typeof verdict === 'object').map(([id]) => id);

type Held = readonly [Answer, Answer];

async function answersAbout(
  { questions, progress }: SecondLookParts,
  ids: readonly string[],
  count: (done: number) => string,
): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>();
  await forEachAtOnce(ids, async (id) => {
    progress.step(() => count(held.size));
    held.set(id, await Promise.all([questions.ask(DEFAULT, id), questions.ask(FALLBACK, id)]));
  });
  return held;
}

interface Judged {
  readonly facts: Facts;
  readonly verdict: ReturnType<typeof judge>;
}

/** With the ledger as it is now. */
async function judged(
  { books, hasReports }: SecondLookParts,
  ids: readonly string[],
  held: ReadonlyMap<string, Held>,
): Promise<ReadonlyMap<string, Judged>> {
  const rows = await books.find(ids);
  const givenUp = await books.givenUpAmong(ids);
  const lines = hasReports
    ? [await books.report.linesOf(DEFAULT, ids), await books.report.linesOf(FALLBACK, ids)]
    : [];
  return new Map(
    ids.map((id) => {
      const facts: Facts = {
        correlationId: id,
        entry: rows.get(id),
        held: held.get(id) as Held,
        reported: [lines[DEFAULT]?.get(id), lines[FALLBACK]?.get(id)],
        isGivenUp: givenUp.has(id),
      };
      return [id, { facts, verdict: judge(facts) }];
    }),
  );
}

async function heldAmong(
  { instances }: SecondLookParts,
  ids: readonly string[],
): Promise<ReadonlyMap<string, boolean | 'unknown'>> {
  const holds = new Map<string, boolean | 'unknown'>();
  if (instances === undefined) return holds;
  await forEachAtOnce(ids, async (id) => {
    holds.set(id, await instances.hold(id));
  });
  return holds;
}
