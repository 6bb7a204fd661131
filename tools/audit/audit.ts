// The audit of the books, id by id, once the backend has settled everything: each accepted payment
// is at exactly one processor, nothing else is, each amount is right, and the backend's totals
// equal the processors'.
import { PROCESSORS, processorName } from '../../src/payment.ts';
import type { Pair, Standing } from './totals.ts';

/** A payment as a processor holds it. */
export interface Held {
  readonly correlationId: string;
  readonly amountCents: number;
}

export interface Sent {
  /** Answered with 2xx. */
  readonly accepted: ReadonlySet<string>;
  /** Without an answer, or with one that leaves open whether the payment is charged. */
  readonly unknown: ReadonlySet<string>;
  /** Most payments that were under way, and not written down, when their sender was stopped. */
  readonly unlogged?: number;
  readonly amountCents: number;
}

export interface Audit {
  /** False when a processor has no list of its payments: then only the totals were compared. */
  readonly byId: boolean;
  /** Accepted, and at no processor. */
  readonly lost: readonly string[];
  /** Held more than once, by one processor or over both. */
  readonly twice: readonly string[];
  /** Held, but never sent or refused. */
  readonly strangers: readonly string[];
  readonly wrongAmount: readonly string[];
  /** Held, and unknown to their sender: no fault. */
  readonly unknownCharged: readonly string[];
  /** Totals that don't agree, in words. */
  readonly books: readonly string[];
}

export function auditOf(sent: Sent, held: Pair<readonly Held[]> | null, standing: Standing): Audit {
  const copies = new Map<string, number>();
  const strangers: string[] = [];
  const wrongAmount: string[] = [];
  for (const { correlationId, amountCents } of held?.flat() ?? []) {
    const id = correlationId.toLowerCase();
    copies.set(id, (copies.get(id) ?? 0) + 1);
    if (!sent.accepted.has(id) && !sent.unknown.has(id)) strangers.push(id);
    if (amountCents !== sent.amountCents) wrongAmount.push(id);
  }
  const unlogged = new Set(strangers).size <= (sent.unlogged ?? 0) ? strangers.splice(0) : [];
  return {
    byId: held !== null,
    lost: held === null ? [] : [...sent.accepted].filter((id) => !copies.has(id)),
    twice: [...copies].filter(([, count]) => count > 1).map(([id]) => id),
    strangers,
    wrongAmount,
    unknownCharged: [...sent.unknown].filter((id) => copies.has(id)).concat(unlogged),
    books: booksOf(sent, standing),
  };
}

function booksOf(
  { accepted, unknown, unlogged = 0 }: Sent,
  { backend, processors }: Standing,
): string[] {
  const faults: string[] = [];
  if (backend === null) faults.push("the backend's summary could not be read");
  if (processors === null) faults.push("the processors' summaries could not be read");
  if (processors === null) return faults;
  const charged = processors[0].requests + processors[1].requests;
  if (charged < accepted.size || charged > accepted.size + unknown.size + unlogged) {
    const more = unknown.size === 0 ? '' : ` and ${unknown.size} unknown`;
    faults.push(`${charged} charged, ${accepted.size} accepted${more}`);
  }
  if (backend === null) return faults;
  for (const processor of PROCESSORS) {
    const [ours, theirs] = [backend[processor], processors[processor]];
    if (ours.requests !== theirs.requests || ours.cents !== theirs.cents) {
      faults.push(
        `${processorName(processor)}: the backend says ${ours.requests} payments of ` +
          `${ours.cents} cents, the processor ${theirs.requests} of ${theirs.cents}`,
      );
    }
  }
  return faults;
}

/** Each kind of fault that was found, in words; none when the books hold. */
export function faultsOf(audit: Audit): string[] {
  const counted: (readonly [string, readonly string[]])[] = [
    ['lost', audit.lost],
    ['charged twice', audit.twice],
    ['charged but never accepted', audit.strangers],
    ['with a wrong amount', audit.wrongAmount],
  ];
  return counted
    .filter(([, ids]) => ids.length > 0)
    .map(([what, ids]) => `${ids.length} ${what} (${ids[0]}${ids.length > 1 ? ', …' : ''})`)
    .concat(audit.books);
}
