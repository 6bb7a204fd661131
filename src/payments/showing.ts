// One payment, wherever it is: held, settled, given up, or never seen.

import { LIMIT_MAX } from '../api/list-query.ts';
import { systemClock } from '../clock.ts';
import { reasonOf, type AdminClient } from './admin-client.ts';
import { Failure } from './failure.ts';
import { actionTable, anomalyTable, entriesIn } from './listing.ts';
import {
  ageOf,
  amountOf,
  lastAnswerOf,
  safeJson,
  safeText,
  textOf,
  type Entry,
} from './printed.ts';
import { say, warn } from './say.ts';
import type { Words } from './words.ts';

interface About {
  /** Of this payment, newest first; the reason if they can't be read. */
  readonly entries: readonly Entry[] | string;
  /** Older ones may be missing. */
  readonly isCut: boolean;
}

/** Resolves with the exit code: 1 if nobody knows the payment, or that can't be said now. */
export async function show(client: AdminClient, { id, json }: Words): Promise<0 | 1> {
  const answer = await client.payment(id);
  const payment = answer.status === 200 ? answer.body : undefined;
  const anomalies = await about(client, 'anomalies', id);
  const actions = await about(client, 'actions', id);
  const missing =
    answer.status === 404
      ? `nobody has seen ${id}, at least not since the last purge`
      : `what became of ${id} can not be said: ${reasonOf(answer)}`;
  if (json) {
    const lists = { anomalies: anomalies.entries, actions: actions.entries };
    say(safeJson({ payment: payment ?? null, ...lists }));
  } else {
    if (payment !== undefined) say(paymentText(payment));
    sayAbout('anomalies', anomalies, anomalyTable);
    sayAbout('actions', actions, actionTable);
  }
  if (payment === undefined) warn(missing);
  return payment === undefined ? 1 : 0;
}

/** The lists can't be asked for one payment, so it is looked for among the newest ones. */
async function about(client: AdminClient, name: string, id: string): Promise<About> {
  try {
    const body = await client.read(`/${name}?limit=${LIMIT_MAX}`);
    const all = entriesIn(client, body, name);
    const entries = all.filter(({ correlationId }) => correlationId === id);
    return { entries, isCut: all.length >= LIMIT_MAX };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { entries: error.message, isCut: false };
  }
}

function sayAbout(
  name: string,
  { entries, isCut }: About,
  tableOf: (entries: readonly Entry[]) => string,
): void {
  const among = isCut ? ` (among the newest ${LIMIT_MAX} of all)` : '';
  if (typeof entries === 'string') warn(`${name} can not be read: ${entries}`);
  else if (entries.length === 0) say(`\nno ${name}${among}`);
  else say(`\n${name}${among}:\n${tableOf(entries)}`);
}

/** How a value is printed that isn't a plain text. */
const PRINTED: Readonly<Record<string, (value: unknown) => string>> = {
  amountCents: amountOf,
  acceptedAt: (value) => `${textOf(value)} (${ageOf(value, systemClock.now())} ago)`,
  lastAnswer: lastAnswerOf,
};

/** "correlationId" ▸ "correlation id", "amountCents" ▸ "amount" */
const labelOf = (name: string): string =>
  safeText(name)
    .replace(/Cents$/, '')
    .replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** All that an answer says of a payment, a line for each value. */
export function paymentText(payment: Entry): string {
  const lines = Object.entries(payment).map(
    ([name, value]) => [labelOf(name), (PRINTED[name] ?? textOf)(value)] as const,
  );
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `${label.padEnd(width)}  ${text}`).join('\n');
}
