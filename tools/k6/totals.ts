// What a summary says, read out of the JSON of the backend and of the processors into integer cents.
import { PROCESSORS } from '../../src/payment.ts';
import { field, parseJson } from './json-field.ts';
import type { Pair } from './plan.ts';

export interface Totals {
  readonly requests: number;
  readonly cents: number;
}

/** What the backend and the processors say they have settled; null where one didn't answer so. */
export interface Standing {
  readonly backend: Pair<Totals> | null;
  readonly processors: Pair<Totals> | null;
}

/** An answer as it came; status 0 is none at all. */
export interface Answer {
  readonly status: number;
  readonly body: string | null;
}

function totalsIn(value: unknown): Totals | null {
  const requests = field(value, 'totalRequests');
  const amount = field(value, 'totalAmount');
  if (typeof requests !== 'number' || typeof amount !== 'number') return null;
  // A double holds every sum below 2^53 cents well enough for rounding to find the cent.
  return { requests, cents: Math.round(amount * 100) };
}

const jsonOf = (answer: Answer): unknown =>
  answer.status === 200 ? parseJson(answer.body ?? '') : undefined;

const both = <T>(first: T | null, second: T | null): Pair<T> | null =>
  first === null || second === null ? null : [first, second];

export function backendTotals(answer: Answer): Pair<Totals> | null {
  const summary = jsonOf(answer);
  return both(totalsIn(field(summary, 'default')), totalsIn(field(summary, 'fallback')));
}

const processorTotals = (answer: Answer): Totals | null => totalsIn(jsonOf(answer));

/** The fee that a processor takes, in basis points. */
export function processorFeeBps(answer: Answer): number | null {
  const fee = field(jsonOf(answer), 'feePerTransaction');
  return typeof fee === 'number' ? Math.round(fee * 10_000) : null;
}

/** Of the answers of the backend, the default processor and the fallback one, in this order. */
export function standingOf([backend, ...processors]: readonly [Answer, Answer, Answer]): Standing {
  return {
    backend: backendTotals(backend),
    processors: both(processorTotals(processors[0]), processorTotals(processors[1])),
  };
}

/** How far both sides are apart, over both processors; null when a side didn't answer. */
export function differenceOf({ backend, processors }: Standing): Totals | null {
  if (backend === null || processors === null) return null;
  let requests = 0;
  let cents = 0;
  for (const processor of PROCESSORS) {
    requests += Math.abs(backend[processor].requests - processors[processor].requests);
    cents += Math.abs(backend[processor].cents - processors[processor].cents);
  }
  return { requests, cents };
}

export const differs = (difference: Totals | null): boolean =>
  difference !== null && (difference.requests !== 0 || difference.cents !== 0);

export const sumOf = ([first, second]: Pair<Totals>): Totals => ({
  requests: first.requests + second.requests,
  cents: first.cents + second.cents,
});
