// The totals of a summary, from the JSON of the backend or of a processor, in integer cents.
import { PROCESSORS } from '../../src/payment.ts';
import { field, parseJson } from './json-field.ts';

/** Something of each processor: [default, fallback]. */
export type Pair<T> = readonly [T, T];

export interface Totals {
  readonly requests: number;
  readonly cents: number;
}

/** The totals of the backend and of the processors; null where one gave none. */
export interface Standing {
  readonly backend: Pair<Totals> | null;
  readonly processors: Pair<Totals> | null;
}

/** Status 0: no answer came. */
export interface Answer {
  readonly status: number;
  readonly body: string | null;
}

function totalsIn(value: unknown): Totals | null {
  const requests = field(value, 'totalRequests');
  const amount = field(value, 'totalAmount');
  if (typeof requests !== 'number' || typeof amount !== 'number') return null;
  // Exact to the cent for every sum below 2^53 cents.
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

/** The difference of both sides, over both processors; null when a side didn't answer. */
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
