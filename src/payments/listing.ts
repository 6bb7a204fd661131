// Lists: held payments, anomalies, and what operators did.

import { LIMIT_MAX } from '../api/list-query.ts';
import { systemClock } from '../clock.ts';
import { STILL_MS } from '../watch/stages.ts';
import type { AdminClient } from './admin-client.ts';
import { Failure } from './failure.ts';
import {
  ageOf,
  amountOf,
  detailsOf,
  isEntry,
  lastAnswerOf,
  safeJson,
  safeText,
  textOf,
  type Entry,
} from './printed.ts';
import { say, warn } from './say.ts';
import { table, terminalWidth, wrapped, type Column } from './table.ts';
import type { Words } from './words.ts';

export interface HeldList {
  readonly payments: readonly Entry[];
  readonly counts: Entry;
  /** Numbers of the instances that did not answer. */
  readonly unreachable: readonly unknown[];
}

const PAYMENT_COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'state' },
  { title: 'amount', isNumber: true },
  { title: 'processor' },
  { title: 'age', isNumber: true },
  { title: 'attempts', isNumber: true },
  { title: 'last answer' },
  { title: 'instance', isNumber: true },
];

const ANOMALY_COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'kind' },
  { title: 'found at' },
  { title: 'instance', isNumber: true },
  { title: 'accepted' },
  { title: 'charged' },
  { title: 'recorded' },
];

const ACTION_COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'action' },
  { title: 'recorded at' },
  { title: 'actor' },
  { title: 'reason' },
  { title: 'before' },
];

/** The held payments in `state`, or all of them; the oldest `limit`. */
export async function heldPayments(
  client: AdminClient,
  limit: number,
  state?: string,
): Promise<HeldList> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (state !== undefined) query.set('state', state);
  const body = await client.read(`/payments?${query.toString().replaceAll('+', '%20')}`);
  const { counts, unreachable = [] } = body;
  if (!isEntry(counts) || !Array.isArray(unreachable)) {
    throw new Failure(`${client.name} answers no counts of payments: is it of another version?`);
  }
  return { payments: entriesIn(client, body, 'payments'), counts, unreachable };
}

/** What is listed under `name` in an answer. @throws Failure if it is no list of objects */
export function entriesIn(client: AdminClient, body: Entry, name: string): readonly Entry[] {
  const entries = body[name];
  if (Array.isArray(entries) && entries.every(isEntry)) return entries;
  throw new Failure(`${client.name} answers no list of ${name}: is it of another version?`);
}

/** Resolves with the exit code: 1 if the list lacks what an instance holds. */
export async function list(client: AdminClient, { limit, state, json }: Words): Promise<0 | 1> {
  const held = await heldPayments(client, limit, state);
  if (json) say(safeJson(held));
  else sayHeld(held, state === undefined ? 'held payments' : `payments ${state}`);
  return warnOfMissing(held.unreachable);
}

function warnOfMissing(unreachable: readonly unknown[]): 0 | 1 {
  for (const instance of unreachable) {
    warn(`instance ${textOf(instance)} did not answer: what it holds is missing here`);
  }
  return unreachable.length === 0 ? 0 : 1;
}

/** Those that need a look. The oldest come first, so payments that stand still are in the list. */
export async function stuck(client: AdminClient, { limit, json }: Words): Promise<0 | 1> {
  const nowMs = systemClock.now();
  const found = new Map<string, Entry>();
  const unreachable = new Set<unknown>();
  let counts: Entry | undefined;
  for (const state of [undefined, 'set aside', 'in doubt', 'at a processor']) {
    const held = await heldPayments(client, LIMIT_MAX, state);
    for (const payment of held.payments.filter((one) => needsLook(one, nowMs))) {
      found.set(String(payment['correlationId']), payment);
    }
    for (const instance of held.unreachable) unreachable.add(instance);
    counts ??= held.counts;
  }
  const payments = [...found.values()].toSorted(byAge).slice(0, limit);
  const held = { payments, counts: counts as Entry, unreachable: [...unreachable] };
  if (json) say(safeJson(held));
  else sayHeld(held, 'payments that need a look', found.size);
  return warnOfMissing(held.unreachable);
}

function needsLook({ state, unknown, acceptedAt }: Entry, nowMs: number): boolean {
  return (
    state === 'set aside' ||
    state === 'in doubt' ||
    unknown === true ||
    nowMs - Date.parse(String(acceptedAt)) > STILL_MS
  );
}

const byAge = (one: Entry, other: Entry): number =>
  Date.parse(String(one['acceptedAt'])) - Date.parse(String(other['acceptedAt']));

function sayHeld({ payments, counts }: HeldList, what: string, of?: number): void {
  const width = terminalWidth();
  const all = Object.entries(counts).filter(([, count]) => count !== 0);
  const sums = all.map(([state, count]) => `${safeText(state)} ${textOf(count)}`).join(', ');
  say(wrapped(`held: ${sums === '' ? 'nothing' : sums}`, width).join('\n'));
  if (payments.length === 0) {
    say(`no ${what}`);
    return;
  }
  if (of !== undefined && of > payments.length) say(`the oldest ${payments.length} of ${of}:`);
  const nowMs = systemClock.now();
  say(
    `\n${table(
      PAYMENT_COLUMNS,
      payments.map((payment) => rowOf(payment, nowMs)),
      width,
    )}`,
  );
}

function rowOf(payment: Entry, nowMs: number): string[] {
  const { correlationId, state, unknown, amountCents, processor, acceptedAt } = payment;
  return [
    textOf(correlationId),
    unknown === true ? 'outcome unknown' : textOf(state),
    amountOf(amountCents),
    textOf(processor),
    ageOf(acceptedAt, nowMs),
    textOf(payment['attempts']),
    lastAnswerOf(payment['lastAnswer']),
    textOf(payment['instance']),
  ];
}

export async function anomalies(client: AdminClient, { limit, json }: Words): Promise<void> {
  const found = entriesIn(client, await client.read(`/anomalies?limit=${limit}`), 'anomalies');
  if (json) say(safeJson({ anomalies: found }));
  else say(found.length === 0 ? 'no anomalies' : anomalyTable(found));
}

export function anomalyTable(found: readonly Entry[]): string {
  const rows = found.map(({ correlationId, kind, foundAt, instance, ...places }) => [
    textOf(correlationId),
    textOf(kind),
    textOf(foundAt),
    textOf(instance),
    detailsOf(places['accepted']),
    detailsOf(places['charged']),
    detailsOf(places['recorded']),
  ]);
  return table(ANOMALY_COLUMNS, rows, terminalWidth());
}

export async function actions(client: AdminClient, { limit, json }: Words): Promise<void> {
  const found = entriesIn(client, await client.read(`/actions?limit=${limit}`), 'actions');
  if (json) say(safeJson({ actions: found }));
  else say(found.length === 0 ? 'no actions' : actionTable(found));
}

export function actionTable(found: readonly Entry[]): string {
  const rows = found.map(({ correlationId, action, doneAt, actor, reason, details }) => [
    textOf(correlationId),
    textOf(action),
    textOf(doneAt),
    textOf(actor),
    textOf(reason),
    detailsOf(details),
  ]);
  return table(ACTION_COLUMNS, rows, terminalWidth());
}
